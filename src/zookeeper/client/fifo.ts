/** A queue whose head can be taken without moving the rest (Array.shift moves it). */
export class Fifo<T> {
  #items: T[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  get first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.#items[this.#head++];
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) this.#replace(this.#items.slice(this.#head));
    return item;
  }

  /** Puts what was taken before back in front. */
  unshiftAll(items: readonly T[]): void {
    if (items.length > 0) this.#replace([...items, ...this.#items.slice(this.#head)]);
  }

  takeAll(): T[] {
    const all = this.#items.slice(this.#head);
    this.#replace([]);
    return all;
  }

  #replace(items: T[]): void {
    this.#items = items;
    this.#head = 0;
  }
}
