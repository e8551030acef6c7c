import { ErrorCode } from '../../protocol/errors.js';
import type { OffsetCommitRequest, OffsetCommitResponseInput, OffsetDeleteRequest, OffsetDeleteResponseInput } from '../../protocol/messages.js';
import type { ClientFacts } from './membership-api.js';
import type { GroupDirectory } from './directory.js';
import { commitOffsets, commitRefused } from './offset-commit.js';
import type { CommittedPartition, CommittedTopic, TopicsToCommit } from './offset-commit.js';
import { fetchOffsets } from './offset-fetch.js';
import type { FetchedTopic, TopicToFetch } from './offset-fetch.js';
import { deleteOffsets } from './removal.js';
import type { OffsetDeletion } from './removal.js';

/** Where version 0 of OffsetCommit and OffsetFetch keeps offsets: /consumers in ZooKeeper. */
export interface LegacyOffsets {
  /** False: it keeps nothing of a group with this id. */
  commit(group: string, topic: string, partition: number, offset: number): Promise<boolean>;
  /** Null: none committed. */
  fetch(group: string, topic: string, partition: number): Promise<number | null>;
}

export interface FetchedGroup {
  readonly groupId: string;
  /** Of the group as a whole; then `topics` is empty. */
  readonly errorCode: ErrorCode;
  readonly topics: readonly FetchedTopic[];
}

interface Indexed {
  readonly partitionIndex: number;
}

type Topics<Partition extends Indexed> = { readonly name: string; readonly partitions: Partition[] }[];

export class OffsetsApi {
  readonly #groups: GroupDirectory;
  readonly #legacy: LegacyOffsets;

  constructor(groups: GroupDirectory, legacy: LegacyOffsets) {
    this.#groups = groups;
    this.#legacy = legacy;
  }

  async offsetCommit(request: OffsetCommitRequest, client: ClientFacts): Promise<OffsetCommitResponseInput> {
    const { known, unknown } = this.#byExistence(request.topics);
    const refused = commitRefused(unknown, ErrorCode.UnknownTopicOrPartition);
    if (known.length === 0) return { topics: merged(refused) };
    if (client.apiVersion === 0) return { topics: merged([...await this.#commitLegacy(request.groupId, known), ...refused]) };
    const committed = await this.#commit(request, eachOnce(known));
    return { topics: unknown.length === 0 ? committed : merged([...committed, ...refused]) };
  }

  #commit(request: OffsetCommitRequest, topics: TopicsToCommit): CommittedTopic[] | Promise<CommittedTopic[]> {
    const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch: generation, retentionTimeMs } = request;
    const located = this.#groups.locate(groupId);
    if (!located.ok) return commitRefused(topics, located.error);
    const { shard } = located;
    // Without a generation the caller manages its partitions itself, and the group is only a name for its offsets.
    const group = generation < 0 ? shard.machine.findOrCreate(groupId) : shard.machine.find(groupId);
    if (group === undefined) return commitRefused(topics, ErrorCode.IllegalGeneration);
    return shard.submit(commitOffsets(group, { memberId, groupInstanceId, generation, retentionTimeMs, topics }));
  }

  #commitLegacy(groupId: string, topics: TopicsToCommit): Promise<CommittedTopic[]> {
    const { offsetMetadataMaxBytes } = this.#groups.config;
    return Promise.all(topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(partitions.map(async ({ partitionIndex, committedOffset, committedMetadata }) => {
        if ((committedMetadata?.length ?? 0) > offsetMetadataMaxBytes) return { partitionIndex, errorCode: ErrorCode.OffsetMetadataTooLarge };
        return this.#legacy.commit(groupId, name, partitionIndex, committedOffset).then(
          kept => ({ partitionIndex, errorCode: kept ? ErrorCode.None : ErrorCode.InvalidGroupId }),
          () => ({ partitionIndex, errorCode: ErrorCode.UnknownServerError }));
      })),
    })));
  }

  /** v1+. Null topics: all that have offsets. */
  fetchOffsets(groupId: string, topics: readonly TopicToFetch[] | null, requireStable: boolean): FetchedGroup {
    const located = this.#groups.locate(groupId);
    if (!located.ok) return { groupId, errorCode: located.error, topics: [] };
    return { groupId, errorCode: ErrorCode.None, topics: fetchOffsets(located.shard.machine.find(groupId), topics, requireStable) };
  }

  /** v0. */
  fetchLegacyOffsets(groupId: string, topics: readonly TopicToFetch[]): Promise<FetchedTopic[]> {
    return Promise.all(topics.map(async ({ name, partitionIndexes }) => ({
      name,
      partitions: await Promise.all(partitionIndexes.map(async partitionIndex => {
        const found = (committedOffset: number, errorCode: ErrorCode) => ({ partitionIndex, committedOffset, committedLeaderEpoch: -1, metadata: '', errorCode });
        if (!this.#groups.metadata.topicExists(name, partitionIndex)) return found(-1, ErrorCode.UnknownTopicOrPartition);
        return this.#legacy.fetch(groupId, name, partitionIndex).then(
          offset => offset === null ? found(-1, ErrorCode.UnknownTopicOrPartition) : found(offset, ErrorCode.None),
          () => found(-1, ErrorCode.UnknownServerError));
      })),
    })));
  }

  async offsetDelete(request: OffsetDeleteRequest): Promise<OffsetDeleteResponseInput> {
    const { groupId } = request;
    const { known: existing, unknown } = this.#byExistence(request.topics);
    const known = eachOnce(existing).flatMap(({ name, partitions }) => partitions.map(({ partitionIndex }) => ({ topic: name, partition: partitionIndex })));
    const { errorCode, partitions } = await this.#deleteOffsets(groupId, known);
    if (errorCode !== ErrorCode.None) return { errorCode };
    const refused = unknown.map(({ name, partitions: some }) => ({ name, partitions: some.map(({ partitionIndex }) => ({ partitionIndex, errorCode: ErrorCode.UnknownTopicOrPartition })) }));
    return { topics: merged([...partitions.map(({ topic, partition: partitionIndex, errorCode: error }) => ({ name: topic, partitions: [{ partitionIndex, errorCode: error }] })), ...refused]) };
  }

  #deleteOffsets(groupId: string, asked: readonly { topic: string; partition: number }[]): OffsetDeletion | Promise<OffsetDeletion> {
    const located = this.#groups.locateNamed(groupId);
    if (!located.ok) return { errorCode: located.error, partitions: [] };
    const { shard } = located;
    const group = shard.machine.find(groupId);
    if (group === undefined) return { errorCode: ErrorCode.GroupIdNotFound, partitions: [] };
    const decision = deleteOffsets(group, asked);
    shard.machine.forgetIfGone(group);
    return shard.submit(decision);
  }

  /** Topics of which no partition is named belong to neither, unless nobody knows them. */
  #byExistence<Partition extends Indexed>(topics: Topics<Partition>): { known: Topics<Partition>; unknown: Topics<Partition> } {
    const { metadata } = this.#groups;
    const exists = (name: string) => ({ partitionIndex }: Indexed): boolean => metadata.topicExists(name, partitionIndex);
    // Nearly always all of them exist; then nothing is copied.
    if (topics.every(({ name, partitions }) => partitions.length > 0 && partitions.every(exists(name)))) return { known: topics, unknown: [] };
    const keep = (wanted: boolean): Topics<Partition> => topics
      .map(({ name, partitions }) => ({ name, partitions: partitions.filter(partition => exists(name)(partition) === wanted) }));
    return {
      known: keep(true).filter(({ partitions }) => partitions.length > 0),
      unknown: keep(false).filter(({ name, partitions }) => partitions.length > 0 || !metadata.topicExists(name, 0)),
    };
  }
}

/** Each partition once; of one that is named more often the last counts. */
function eachOnce<Partition extends Indexed>(topics: Topics<Partition>): Topics<Partition> {
  if (topics.length === 1 && topics[0]!.partitions.length === 1) return topics;
  const asked = new Map<string, Map<number, Partition>>();
  for (const { name, partitions } of topics) {
    const known = asked.get(name) ?? new Map<number, Partition>();
    for (const partition of partitions) known.set(partition.partitionIndex, partition);
    asked.set(name, known);
  }
  return Array.from(asked, ([name, partitions]) => ({ name, partitions: [...partitions.values()] }));
}

/** One entry per topic, whatever became of its partitions. */
function merged(topics: readonly CommittedTopic[]): CommittedTopic[] {
  const byName = new Map<string, CommittedPartition[]>();
  for (const { name, partitions } of topics) {
    const known = byName.get(name);
    if (known === undefined) byName.set(name, [...partitions]);
    else for (const partition of partitions) known.push(partition);
  }
  return Array.from(byName, ([name, partitions]) => ({ name, partitions }));
}
