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

export class OffsetsApi {
  readonly #groups: GroupDirectory;
  readonly #legacy: LegacyOffsets;

  constructor(groups: GroupDirectory, legacy: LegacyOffsets) {
    this.#groups = groups;
    this.#legacy = legacy;
  }

  async offsetCommit(request: OffsetCommitRequest, client: ClientFacts): Promise<OffsetCommitResponseInput> {
    const { known, unknown } = this.#byExistence(request.topics);
    const committed = known.length === 0 ? [] : await (client.apiVersion === 0 ? this.#commitLegacy(request.groupId, known) : this.#commit(request, known));
    return { topics: unknown.length === 0 ? committed : merged([...committed, ...commitRefused(unknown, ErrorCode.UnknownTopicOrPartition)]) };
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
    const asked = request.topics.flatMap(({ name, partitions }) => partitions.map(({ partitionIndex }) => ({ topic: name, partition: partitionIndex })));
    const known = asked.filter(({ topic, partition }) => this.#groups.metadata.topicExists(topic, partition));
    const { errorCode, partitions } = await this.#deleteOffsets(groupId, known);
    if (errorCode !== ErrorCode.None) return { errorCode };
    const errors = new Map(partitions.map(({ topic, partition, errorCode: error }) => [`${partition} ${topic}`, error]));
    return {
      topics: request.topics.map(({ name, partitions: indexes }) => ({
        name,
        partitions: indexes.map(({ partitionIndex }) => ({
          partitionIndex, errorCode: errors.get(`${partitionIndex} ${name}`) ?? ErrorCode.UnknownTopicOrPartition,
        })),
      })),
    };
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

  #byExistence(topics: TopicsToCommit): { known: TopicsToCommit; unknown: TopicsToCommit } {
    const { metadata } = this.#groups;
    const exists = (name: string) => ({ partitionIndex }: { partitionIndex: number }): boolean => metadata.topicExists(name, partitionIndex);
    // Nearly always all of them exist; then nothing is copied.
    if (topics.every(({ name, partitions }) => partitions.every(exists(name)))) return { known: topics, unknown: [] };
    const keep = (wanted: boolean): TopicsToCommit => topics
      .map(topic => ({ ...topic, partitions: topic.partitions.filter(partition => exists(topic.name)(partition) === wanted) }))
      .filter(({ partitions }) => partitions.length > 0);
    return { known: keep(true), unknown: keep(false) };
  }
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
