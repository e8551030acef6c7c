/** What a server sends, in order, held back until the transactions it tells of are on disk. */
export class Outbox<T> {
  readonly #deliver: (item: T) => void;
  #held: { readonly zxid: number; readonly item: T }[] = [];
  #durable: number;

  constructor(durable: number, deliver: (item: T) => void) {
    this.#durable = durable;
    this.#deliver = deliver;
  }

  /** `zxid` is the last transaction that `item` knows of. It never falls from one item to the next. */
  push(zxid: number, item: T): void {
    if (this.#held.length === 0 && zxid <= this.#durable) this.#deliver(item);
    else this.#held.push({ zxid, item });
  }

  release(durable: number): void {
    this.#durable = durable;
    const firstHeld = this.#held.findIndex(({ zxid }) => zxid > durable);
    const free = firstHeld < 0 ? this.#held : this.#held.slice(0, firstHeld);
    this.#held = firstHeld < 0 ? [] : this.#held.slice(firstHeld);
    for (const { item } of free) this.#deliver(item);
  }

  /** Takes back what was held: the transactions it tells of are undone. */
  takeHeld(): T[] {
    return this.#held.splice(0).map(({ item }) => item);
  }
}
