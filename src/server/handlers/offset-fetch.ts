// OffsetFetch, versions 0-9: where a group left off.
//   v0  read from ZooKeeper
//   v2  null topics ask for all; an error for the whole group beside those of partitions
//   v5  leader epochs
//   v6  flexible encoding
//   v7  RequireStable: refuse what a pending transaction may change
//   v8  several groups
//   v9  member and epoch (KIP-848), which classic groups ignore

import { Turns } from '../../base/turns.js';
import type { FetchedGroup } from '../../coordinator/group/coordinator.js';
import { ErrorCode } from '../../protocol/errors.js';
import { OffsetFetchRequest, OffsetFetchResponse } from '../../protocol/messages.js';
import type { OffsetFetchResponseInput } from '../../protocol/messages.js';
import { defineHandler } from '../handler.js';
import type { BrokerServices } from '../services.js';
import { Repeats } from './repeats.js';

type TopicToFetch = NonNullable<OffsetFetchRequest['topics']>[number];
type GroupToFetch = Pick<OffsetFetchRequest['groups'][number], 'groupId' | 'topics'>;

const TOPICS_AT_ONCE = 16;

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
  const turns = new Turns(broker.clock, broker.timers);
  if (apiVersion === 0) return { topics: await offsets.fetchLegacyOffsets(groupId, await eachOnce(topics ?? [], turns)) };
  if (apiVersion < 8) return oneGroup(await fetchGroup({ groupId, topics }, requireStable, turns, broker), request, apiVersion);
  const fetched: FetchedGroup[] = [];
  const wholes = new Repeats();
  for (const group of groups) {
    await turns.next();
    const whole = group.topics === null;
    if (whole && !wholes.admit(group.groupId)) continue;
    const answered = await fetchGroup(group, requireStable, turns, broker);
    if (whole) wholes.answered(group.groupId, answered.topics.reduce((rows, { partitions }) => rows + partitions.length, 0));
    fetched.push(answered);
  }
  return { groups: fetched };
}

/** Topic by topic. Between two turns the group may have gone to another broker: then nothing of it is told. */
async function fetchGroup({ groupId, topics }: GroupToFetch, requireStable: boolean, turns: Turns, broker: BrokerServices): Promise<FetchedGroup> {
  const { offsets } = broker.groups;
  if (topics === null) return offsets.fetchOffsets(groupId, null, requireStable);
  const asked = await eachOnce(topics, turns);
  const fetched: FetchedGroup['topics'][number][] = [];
  let step = 0;
  do {
    await turns.next();
    const some = offsets.fetchOffsets(groupId, asked.slice(step, step + TOPICS_AT_ONCE), requireStable);
    if (some.errorCode !== ErrorCode.None) return some;
    fetched.push(...some.topics);
    step += TOPICS_AT_ONCE;
  } while (step < asked.length);
  return { groupId, errorCode: ErrorCode.None, topics: fetched };
}

/** A partition is answered once, however often it is named; a topic of which none is named, not at all. */
async function eachOnce(topics: readonly TopicToFetch[], turns: Turns): Promise<TopicToFetch[]> {
  const asked = new Map<string, Set<number>>();
  for (const { name, partitionIndexes } of topics) {
    await turns.next();
    const partitions = asked.get(name) ?? new Set();
    for (const partition of partitionIndexes) partitions.add(partition);
    if (partitions.size > 0) asked.set(name, partitions);
  }
  return Array.from(asked, ([name, partitions]) => ({ name, partitionIndexes: [...partitions] }));
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
