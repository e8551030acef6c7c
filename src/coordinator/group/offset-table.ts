import type { CommittedOffset } from './records.js';

/** A committed offset and where its batch lies in the log. */
interface Logged {
  readonly value: CommittedOffset;
  readonly at: number;
}

interface Entry {
  committed: Logged | null;
  /** Commits of this partition that are on their way to the log. */
  inFlight: number;
}

type ByPartition<T> = Map<string, Map<number, T>>;

/** The committed offsets of one group: what the log says, what is on its way there, what waits for a transaction to end. */
export class OffsetTable {
  readonly #entries: ByPartition<Entry> = new Map();
  /** By producer id. Readable once the transaction has committed (KIP-98). */
  readonly #transactions = new Map<number, ByPartition<Logged>>();

  get(topic: string, partition: number): CommittedOffset | undefined {
    return this.#entries.get(topic)?.get(partition)?.committed?.value;
  }

  *committed(): IterableIterator<{ topic: string; partition: number; value: CommittedOffset }> {
    for (const { topic, partition, entry } of this.#all())
      if (entry.committed !== null) yield { topic, partition, value: entry.committed.value };
  }

  /** Partitions that a deletion has to name: committed ones and those that may become it. */
  *known(): IterableIterator<{ topic: string; partition: number }> {
    for (const { topic, partition } of this.#all()) yield { topic, partition };
    for (const pending of this.#transactions.values())
      for (const [topic, partitions] of pending)
        for (const partition of partitions.keys()) if (!this.knows(topic, partition)) yield { topic, partition };
  }

  knows(topic: string, partition: number): boolean {
    return this.#entries.get(topic)?.has(partition) ?? false;
  }

  /** Nothing committed, nothing on its way, nothing waiting for a transaction. */
  get isEmpty(): boolean {
    return this.#entries.size === 0 && this.#transactions.size === 0;
  }

  get hasTransactions(): boolean {
    return this.#transactions.size > 0;
  }

  isInFlight(topic: string, partition: number): boolean {
    return (this.#entries.get(topic)?.get(partition)?.inFlight ?? 0) > 0;
  }

  /** The answer to OffsetFetch is about to change, or may be (KIP-447). */
  isUnstable(topic: string, partition: number): boolean {
    if (this.isInFlight(topic, partition)) return true;
    for (const pending of this.#transactions.values()) if (pending.get(topic)?.has(partition)) return true;
    return false;
  }

  /** A commit leaves for the log. Paired with settled(). */
  sent(topic: string, partition: number): void {
    this.#entry(topic, partition).inFlight++;
  }

  settled(topic: string, partition: number): void {
    const entry = this.#entries.get(topic)?.get(partition);
    if (entry === undefined || entry.inFlight === 0) return;
    entry.inFlight--;
    this.#prune(topic, partition, entry);
  }

  /** Called in log order. */
  apply(topic: string, partition: number, value: CommittedOffset | null, at: number): void {
    if (value === null && !this.knows(topic, partition)) return;
    const entry = this.#entry(topic, partition);
    entry.committed = value === null ? null : { value, at };
    this.#prune(topic, partition, entry);
  }

  applyInTransaction(producerId: number, topic: string, partition: number, value: CommittedOffset | null, at: number): void {
    const pending = getOrMake(this.#transactions, producerId, () => new Map<string, Map<number, Logged>>());
    if (value !== null) getOrMake(pending, topic, () => new Map<number, Logged>()).set(partition, { value, at });
    else remove(pending, topic, partition);
    if (pending.size === 0) this.#transactions.delete(producerId);
  }

  endTransaction(producerId: number, committed: boolean): void {
    const pending = this.#transactions.get(producerId);
    if (pending === undefined) return;
    this.#transactions.delete(producerId);
    if (!committed) return;
    for (const [topic, partitions] of pending) {
      for (const [partition, logged] of partitions) {
        const entry = this.#entry(topic, partition);
        // A later plain commit wins, as it would after compaction of the log (KAFKA-5247).
        if (entry.committed === null || entry.committed.at < logged.at) entry.committed = logged;
      }
    }
  }

  /** Offsets of a deleted partition wait for no transaction any more. */
  forgetTransactional(topic: string, partition: number): void {
    for (const [producerId, pending] of this.#transactions) {
      remove(pending, topic, partition);
      if (pending.size === 0) this.#transactions.delete(producerId);
    }
  }

  *#all(): IterableIterator<{ topic: string; partition: number; entry: Entry }> {
    for (const [topic, partitions] of this.#entries)
      for (const [partition, entry] of partitions) yield { topic, partition, entry };
  }

  #entry(topic: string, partition: number): Entry {
    const partitions = getOrMake(this.#entries, topic, () => new Map<number, Entry>());
    return getOrMake(partitions, partition, () => ({ committed: null, inFlight: 0 }));
  }

  #prune(topic: string, partition: number, entry: Entry): void {
    if (entry.committed === null && entry.inFlight === 0) remove(this.#entries, topic, partition);
  }
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, value = make());
  return value;
}

function remove<T>(map: ByPartition<T>, topic: string, partition: number): void {
  const partitions = map.get(topic);
  partitions?.delete(partition);
  if (partitions?.size === 0) map.delete(topic);
}
