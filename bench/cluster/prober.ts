// Asks many partitions, over and over, to take a record, and knows of each when it did.
import { setTimeout as delay } from 'node:timers/promises';
import { ProduceRequest, type ProduceResponse } from '../../src/protocol/messages.js';
import { batch } from '../../test/support/batches.js';
import type { ClusterClient } from '../../test/support/cluster-client.js';

const RECORD = batch(['probe'], { key: null });
const TIMEOUT_MS = 2_000;
const PAUSE_MS = 5;

export class Prober {
  readonly #client: ClusterClient;
  readonly #topic: string;
  readonly #count: number;
  /** When each took its last record, and the longest time between two. */
  readonly lastMs: number[];
  readonly longestMs: number[];

  constructor(client: ClusterClient, topic: string, count: number) {
    this.#client = client;
    this.#topic = topic;
    this.#count = count;
    this.lastMs = Array.from({ length: count }, () => performance.now());
    this.longestMs = Array.from({ length: count }, () => 0);
  }

  /** One record to each of these partitions, by who leads them now; those that took it. */
  async ask(partitions: readonly number[]): Promise<number[]> {
    const { topics } = await this.#client.metadata([this.#topic]);
    const leaders = new Map(topics[0]?.partitions.map(({ partitionIndex, leaderId }) => [partitionIndex, leaderId]));
    const byLeader = new Map<number, number[]>();
    for (const partition of partitions) {
      const port = this.#client.portOf(leaders.get(partition) ?? -1);
      if (port !== undefined) byLeader.set(port, [...(byLeader.get(port) ?? []), partition]);
    }
    const took = await Promise.all([...byLeader].map(([port, led]) => this.#say(port, led).catch(() => [])));
    return took.flat();
  }

  /** Until all of them have taken one. */
  async untilAllTook(): Promise<void> {
    let left = Array.from({ length: this.#count }, (_, index) => index);
    while (left.length > 0) {
      const took = new Set(await this.ask(left).catch(() => []));
      left = left.filter(partition => !took.has(partition));
    }
  }

  /** Asks all of them, round after round. */
  async keepAsking(until: AbortSignal): Promise<void> {
    const all = Array.from({ length: this.#count }, (_, index) => index);
    while (!until.aborted) {
      const took = await this.ask(all).catch(() => []);
      const now = performance.now();
      for (const partition of took) {
        this.longestMs[partition] = Math.max(this.longestMs[partition]!, now - this.lastMs[partition]!);
        this.lastMs[partition] = now;
      }
      await delay(PAUSE_MS);
    }
  }

  async #say(port: number, partitions: readonly number[]): Promise<number[]> {
    const answer = await this.#client.ask<ProduceResponse>(port, ProduceRequest, {
      acks: -1, timeoutMs: TIMEOUT_MS, topicData: [{ name: this.#topic, partitionData: partitions.map(index => ({ index, records: RECORD })) }],
    }, 9, TIMEOUT_MS);
    return answer.responses.flatMap(({ partitionResponses }) => partitionResponses.filter(({ errorCode }) => errorCode === 0).map(({ index }) => index));
  }
}
