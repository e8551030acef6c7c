// The partitions that this broker has been told of, by topic and index.

import type { TopicName } from '../base/topic-name.js';
import { Partition, type PartitionSeams } from './partition.js';

export class HostedPartitions {
  readonly #seams: PartitionSeams;
  readonly #internalTopics: ReadonlySet<string>;
  readonly #topics = new Map<string, (Partition | undefined)[]>();

  constructor(seams: PartitionSeams, internalTopics: ReadonlySet<string>) {
    this.#seams = seams;
    this.#internalTopics = internalTopics;
  }

  find(topic: string, index: number): Partition | undefined {
    return this.#topics.get(topic)?.[index];
  }

  /** All of a topic, by index. */
  of(topic: string): readonly (Partition | undefined)[] | undefined {
    return this.#topics.get(topic);
  }

  *[Symbol.iterator](): IterableIterator<Partition> {
    for (const partitions of this.#topics.values()) for (const partition of partitions) if (partition !== undefined) yield partition;
  }

  findOrMake(topic: TopicName, index: number): Partition {
    let partitions = this.#topics.get(topic);
    if (partitions === undefined) this.#topics.set(topic, (partitions = []));
    return (partitions[index] ??= new Partition(topic, index, this.#internalTopics.has(topic), this.#seams));
  }

  forget(partition: Partition): void {
    const partitions = this.#topics.get(partition.topic)!;
    partitions[partition.index] = undefined;
    // From the end: a topic that goes as a whole goes from the beginning, and is looked through once.
    if (partitions.findLast(each => each !== undefined) === undefined) this.#topics.delete(partition.topic);
  }
}
