// OffsetCommit, versions 0-9: where a consumer will go on reading.
//   v0  kept in ZooKeeper, not by the coordinator
//   v1  generation and member; a timestamp per partition, in this version only
//   v2  a retention time, until v4
//   v6  leader epochs
//   v7  static members name their instance
//   v8  flexible encoding
//   v9  the generation field may be a member epoch (KIP-848)
// Answers when the offsets are committed in __consumer_offsets.

import { OffsetCommitRequest, OffsetCommitResponse } from '../../protocol/messages.js';
import { clientFacts } from '../client-facts.js';
import { defineHandler } from '../handler.js';

export const offsetCommit = defineHandler({
  request: OffsetCommitRequest,
  response: OffsetCommitResponse,
  handle: (request, context, broker) => broker.groups.offsets.offsetCommit(request, clientFacts(context)),
  // There is no error for the whole: every partition gets it.
  onError: (request, errorCode) => ({
    topics: request.topics.map(({ name, partitions }) => ({ name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) })),
  }),
});
