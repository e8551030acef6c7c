// OffsetFetch, versions 0-9: where a group left off.
//   v0  read from ZooKeeper
//   v2  null topics ask for all; an error for the whole group beside those of partitions
//   v5  leader epochs
//   v6  flexible encoding
//   v7  RequireStable: refuse what a pending transaction may change
//   v8  several groups
//   v9  member and epoch (KIP-848), which classic groups ignore

import type { FetchedGroup } from '../../coordinator/group/coordinator.js';
import { ErrorCode } from '../../protocol/errors.js';
import { OffsetFetchRequest, OffsetFetchResponse } from '../../protocol/messages.js';
import type { OffsetFetchResponseInput } from '../../protocol/messages.js';
import { defineHandler } from '../handler.js';
import type { BrokerServices } from '../services.js';

export const offsetFetch = defineHandler({
  request: OffsetFetchRequest,
  response: OffsetFetchResponse,
  handle: (request, { apiVersion }, broker) => answer(request, apiVersion, broker),
  onError: (request, errorCode, { apiVersion }) => apiVersion >= 8
    ? { groups: request.groups.map(({ groupId }) => ({ groupId, errorCode })) }
    : oneGroup({ groupId: request.groupId, errorCode: errorCode as ErrorCode, topics: [] }, request, apiVersion),
});

async function answer(request: OffsetFetchRequest, apiVersion: number, broker: BrokerServices): Promise<OffsetFetchResponseInput> {
  const { offsets } = broker.groups;
  const { groupId, topics, requireStable, groups } = request;
  if (apiVersion === 0) return { topics: await offsets.fetchLegacyOffsets(groupId, topics ?? []) };
  if (apiVersion >= 8) return { groups: groups.map(group => offsets.fetchOffsets(group.groupId, group.topics, requireStable)) };
  return oneGroup(offsets.fetchOffsets(groupId, topics, requireStable), request, apiVersion);
}

/** Before v2 every partition carries the group's error. */
function oneGroup({ errorCode, topics }: FetchedGroup, request: OffsetFetchRequest, apiVersion: number): OffsetFetchResponseInput {
  if (apiVersion >= 2 || errorCode === ErrorCode.None) return { errorCode, topics };
  return {
    topics: (request.topics ?? []).map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map(partitionIndex => ({ partitionIndex, committedOffset: -1, metadata: '', errorCode })),
    })),
  };
}
