import { grownFloat64, grownInt32, isOversized, roomFor } from './rows.js';

const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA';

/** Topics and partitions of a fetch request. Partitions of topic t: `firstPartition(t)` up to `firstPartition(t + 1)`. */
export class FetchRequestRows {
  topicCount = 0;
  partitionCount = 0;

  partition = new Int32Array(0);
  /** -1 where the caller does not say. */
  currentLeaderEpoch = new Int32Array(0);
  fetchOffset = new Float64Array(0);
  lastFetchedEpoch = new Int32Array(0);
  /** Of a follower; -1 from a consumer. */
  logStartOffset = new Float64Array(0);
  maxBytes = new Int32Array(0);
  /** Only brokers of KRaft clusters send any. */
  readonly directoryIds = new Map<number, string>();

  #topics: string[] = [];
  #topicIds: string[] = [];
  #firstPartitions = new Int32Array(0);
  #rows = 0;

  topic(topic: number): string { return this.#topics[topic]!; }
  topicId(topic: number): string { return this.#topicIds[topic]!; }
  firstPartition(topic: number): number { return topic < this.topicCount ? this.#firstPartitions[topic]! : this.partitionCount; }
  directoryId(partition: number): string { return this.directoryIds.get(partition) ?? ZERO_UUID; }

  clear(): void {
    this.topicCount = 0;
    this.partitionCount = 0;
    if (this.directoryIds.size > 0) this.directoryIds.clear();
    if (isOversized(this.#firstPartitions.length)) {
      this.#firstPartitions = new Int32Array(0);
      this.#topics = [];
      this.#topicIds = [];
    }
    if (isOversized(this.#rows)) this.#resize(0);
  }

  addTopic(name: string, id: string): void {
    const topic = this.topicCount++;
    if (topic === this.#firstPartitions.length) this.#firstPartitions = grownInt32(this.#firstPartitions, roomFor(topic, topic + 1));
    this.#firstPartitions[topic] = this.partitionCount;
    this.#topics[topic] = name;
    this.#topicIds[topic] = id;
  }

  /** The row of a further partition of the last topic. */
  addPartition(partition: number): number {
    const row = this.partitionCount++;
    if (row === this.#rows) this.#resize(roomFor(row, row + 1));
    this.partition[row] = partition;
    return row;
  }

  #resize(rows: number): void {
    this.#rows = rows;
    this.partition = grownInt32(this.partition, rows);
    this.currentLeaderEpoch = grownInt32(this.currentLeaderEpoch, rows);
    this.fetchOffset = grownFloat64(this.fetchOffset, rows);
    this.lastFetchedEpoch = grownInt32(this.lastFetchedEpoch, rows);
    this.logStartOffset = grownFloat64(this.logStartOffset, rows);
    this.maxBytes = grownInt32(this.maxBytes, rows);
  }
}
