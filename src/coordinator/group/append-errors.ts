import { ErrorCode } from '../../protocol/errors.js';

// What an append's error means to a member of a group (GroupMetadataManager.scala).

/** Of a generation. */
export function generationStoreError(error: ErrorCode): ErrorCode {
  switch (error) {
    // The plan may have arrived or not; joining again settles it.
    case ErrorCode.RequestTimedOut: return ErrorCode.RebalanceInProgress;
    case ErrorCode.MessageTooLarge:
    case ErrorCode.RecordListTooLarge:
    case ErrorCode.InvalidFetchSize: return ErrorCode.UnknownServerError;
    default: return leadershipError(error);
  }
}

/** Of offsets. */
export function offsetStoreError(error: ErrorCode): ErrorCode {
  switch (error) {
    case ErrorCode.NetworkException: return ErrorCode.CoordinatorLoadInProgress;
    case ErrorCode.MessageTooLarge:
    case ErrorCode.RecordListTooLarge:
    case ErrorCode.InvalidFetchSize: return ErrorCode.InvalidCommitOffsetSize;
    default: return leadershipError(error);
  }
}

/** Of tombstones. Kafka does not wait for these; a client that hears of a failure may as well retry. */
export function removalError(error: ErrorCode): ErrorCode {
  return error === ErrorCode.RequestTimedOut ? ErrorCode.CoordinatorNotAvailable : leadershipError(error);
}

function leadershipError(error: ErrorCode): ErrorCode {
  switch (error) {
    case ErrorCode.UnknownTopicOrPartition:
    case ErrorCode.NotEnoughReplicas:
    case ErrorCode.NotEnoughReplicasAfterAppend: return ErrorCode.CoordinatorNotAvailable;
    case ErrorCode.NotLeaderOrFollower:
    case ErrorCode.KafkaStorageError: return ErrorCode.NotCoordinator;
    default: return error;
  }
}
