import { invariant } from '../../base/invariant.js';

/** Counts the topics and partitions that an answer announced, so that none is missing or too many when it leaves. */
export class Promised {
  #topics = 0;
  #partitions = 0;

  begin(topics: number): void {
    this.#topics = topics;
    this.#partitions = 0;
  }

  topic(partitions: number): void {
    invariant(this.#partitions === 0 && this.#topics > 0, 'a topic too many, or one begun before the last was complete');
    this.#topics--;
    this.#partitions = partitions;
  }

  /** True when it is its topic's last. */
  partition(): boolean {
    invariant(this.#partitions > 0, 'a partition too many');
    return --this.#partitions === 0;
  }

  end(): void {
    invariant(this.#topics === 0 && this.#partitions === 0, 'topics or partitions are missing from an answer');
  }
}
