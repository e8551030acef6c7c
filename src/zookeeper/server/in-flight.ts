import type { Transaction } from './transaction.js';
import type { Znode } from './tree.js';

/** A transaction that took effect in memory and is not on disk yet, and how things were before it. */
export interface InFlightTransaction {
  readonly zxid: number;
  readonly sessionId: bigint;
  readonly type: Transaction['type'];
  /** The last transaction before this one that anybody may be told of. */
  readonly seenBefore: number;
  readonly nodes: ReadonlyMap<string, Znode | undefined>;
  /** Of the session that a closeSession ends. */
  readonly timeoutMs: number;
}

/** What would have to be undone if the disk had no room for it. */
export class InFlight {
  #transactions: InFlightTransaction[] = [];

  push(transaction: InFlightTransaction): void {
    this.#transactions.push(transaction);
  }

  durable(zxid: number): void {
    const first = this.#transactions.findIndex(transaction => transaction.zxid > zxid);
    this.#transactions = first < 0 ? [] : this.#transactions.slice(first);
  }

  /** All of them, and the nodes as they were before the first of them. */
  takeAll(): { undone: readonly InFlightTransaction[]; nodes: Map<string, Znode | undefined> } {
    const undone = this.#transactions;
    this.#transactions = [];
    const nodes = new Map<string, Znode | undefined>();
    for (const transaction of undone) for (const [path, node] of transaction.nodes) if (!nodes.has(path)) nodes.set(path, node);
    return { undone, nodes };
  }
}
