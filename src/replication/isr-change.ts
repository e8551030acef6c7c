// A leader's wish to change an ISR, and what becomes of it (AlterPartitionManager.scala).

import type { TopicName } from '../base/topic-name.js';
import { ErrorCode } from '../protocol/errors.js';

export interface IsrChange {
  readonly topic: TopicName;
  /** The zero uuid where the topic has none. */
  readonly topicId: string;
  readonly partition: number;
  readonly leader: number;
  readonly leaderEpoch: number;
  /** The change applies to this one alone (zkVersion of the state znode). */
  readonly partitionEpoch: number;
  readonly isr: readonly number[];
  /** Of the controller that made this broker the leader. */
  readonly controllerEpoch: number;
}

export interface CommittedIsr {
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly isr: readonly number[];
}

export type IsrAnswer = { readonly committed: CommittedIsr } | { readonly errorCode: number };

export interface AlterPartitionManager {
  /**
   * `answered` is called once, later, unless the manager is closed first. Of one partition one change is out at a time:
   * another is answered OPERATION_NOT_ATTEMPTED.
   */
  submit(change: IsrChange, answered: (answer: IsrAnswer) => void): void;
  close(): void;
}

/**
 * What a leader does after an error (Partition.handleAlterPartitionError): `revert` where the controller says that the change was not
 * made and never will be; `wait` where it knows better than we do who leads, and is going to tell: the larger ISR counts until then.
 */
export function afterFailure(errorCode: number): 'revert' | 'wait' | 'retry' {
  switch (errorCode) {
    case ErrorCode.OperationNotAttempted: case ErrorCode.IneligibleReplica: return 'revert';
    case ErrorCode.UnknownTopicOrPartition: case ErrorCode.UnknownTopicId: case ErrorCode.FencedLeaderEpoch:
    case ErrorCode.InvalidUpdateVersion: case ErrorCode.InvalidRequest: case ErrorCode.NewLeaderElected: return 'wait';
    default: return 'retry';
  }
}
