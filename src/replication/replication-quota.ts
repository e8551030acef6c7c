// How many bytes a second replication may move, and of which replicas (ReplicationQuotaManager.scala). A leader and a
// fetcher ask `isThrottled` and `exceeded` before they move a partition, and `record` what they moved of throttled ones.
//
// The rate is measured as Kafka does (SampledStat.java, SimpleRate.java): a ring of samples, each as long as a window, of
// which those without an event for all windows together count no more; divided by the time since the oldest of them began.

import type { Clock } from '../base/clock.js';

/** What who moves replicas asks. */
export interface ReplicaQuota {
  isThrottled(topic: string, partition: number): boolean;
  /** More was moved lately than the rate allows: throttled replicas wait. */
  exceeded(): boolean;
  /** Counts what was moved of throttled replicas, also beyond the rate. */
  record(bytes: number): void;
}

/** Which replicas of a topic are throttled on this broker. */
export type ThrottledPartitions = 'all' | ReadonlySet<number>;

export interface ReplicationQuotaOptions {
  readonly clock: Clock;
  /** replication.quota.window.num */
  readonly windows: number;
  /** replication.quota.window.size.seconds, in milliseconds. */
  readonly windowMs: number;
}

export class ReplicationQuota implements ReplicaQuota {
  readonly #clock: Clock;
  readonly #windowMs: number;
  /** Samples are looked at for so long after their last event. */
  readonly #keptMs: number;
  // One more than there are windows: the oldest overlaps what is looked at.
  readonly #bytes: Float64Array;
  readonly #started: Float64Array;
  readonly #lastEvent: Float64Array;
  #samples = 0;
  #current = 0;
  #bytesPerSecond = Infinity;
  readonly #throttled = new Map<string, ThrottledPartitions>();

  constructor({ clock, windows, windowMs }: ReplicationQuotaOptions) {
    this.#clock = clock;
    this.#windowMs = windowMs;
    this.#keptMs = windows * windowMs;
    this.#bytes = new Float64Array(windows + 1);
    this.#started = new Float64Array(windows + 1);
    this.#lastEvent = new Float64Array(windows + 1);
  }

  /** Infinity: no bound. What was moved before counts against the new rate. */
  get bytesPerSecond(): number {
    return this.#bytesPerSecond;
  }

  set bytesPerSecond(rate: number) {
    this.#bytesPerSecond = rate;
  }

  /** In place of what was said of the topic before. Undefined: nothing of it is throttled. */
  throttle(topic: string, partitions: ThrottledPartitions | undefined): void {
    if (partitions === undefined) this.#throttled.delete(topic);
    else this.#throttled.set(topic, partitions);
  }

  isThrottled(topic: string, partition: number): boolean {
    if (this.#throttled.size === 0) return false;
    const partitions = this.#throttled.get(topic);
    return partitions !== undefined && (partitions === 'all' || partitions.has(partition));
  }

  exceeded(): boolean {
    return this.#bytesPerSecond !== Infinity && this.rate() > this.#bytesPerSecond;
  }

  record(bytes: number): void {
    const now = this.#clock.monotonic();
    if (this.#samples === 0) this.#begin(0, now);
    else if (now - this.#started[this.#current]! >= this.#windowMs) this.#begin((this.#current + 1) % this.#bytes.length, now);
    this.#bytes[this.#current]! += bytes;
    this.#lastEvent[this.#current] = now;
  }

  /** Bytes a second, as of now. */
  rate(): number {
    if (this.#samples === 0) return 0;
    const now = this.#clock.monotonic();
    let bytes = 0;
    let oldest = now;
    for (let at = 0; at < this.#samples; at++) {
      if (now - this.#lastEvent[at]! >= this.#keptMs) this.#clear(at, now);
      bytes += this.#bytes[at]!;
      oldest = Math.min(oldest, this.#started[at]!);
    }
    // The first window counts as a whole one: a gap of nearly nothing would make a rate of nearly infinity.
    return bytes * 1000 / Math.max(now - oldest, this.#windowMs);
  }

  #begin(at: number, now: number): void {
    this.#current = at;
    this.#samples = Math.max(this.#samples, at + 1);
    this.#clear(at, now);
  }

  #clear(at: number, now: number): void {
    this.#bytes[at] = 0;
    this.#started[at] = now;
    this.#lastEvent[at] = now;
  }
}
