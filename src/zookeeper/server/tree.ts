import { nameOf, parentOf } from '../paths.js';
import { OPEN_ACL, type Acl, type WatchEvent } from '../types.js';
import type { StatFields } from '../jute/records.js';
import type { Change, Transaction, TransactionHeader } from './transaction.js';

/** Replaced, never changed: so a list of all nodes is a snapshot. */
export interface Znode extends StatFields {
  readonly path: string;
  readonly data: Buffer | null;
  readonly acl: readonly Acl[];
}

/** A node as one change left it; undefined where that removed it. */
export interface NodeAsOf {
  readonly node: Znode | undefined;
  readonly numChildren: number;
}

export type Fire = (type: WatchEvent['type'], path: string) => void;

/** Every ZooKeeper has these from the beginning, and keeps them. */
export const OWN_PATHS: readonly string[] = ['/', '/zookeeper', '/zookeeper/config', '/zookeeper/quota'];

const NO_CHILDREN: ReadonlySet<string> = new Set();

/** The znodes. Changes come as transactions only, so that replaying a log leads to the same tree. */
export class Tree {
  readonly #nodes = new Map<string, Znode>();
  readonly #children = new Map<string, Set<string>>();
  readonly #ephemerals = new Map<bigint, Set<string>>();
  #bytes = 0;

  /** The tree of a new server. */
  static initial(): Tree {
    const tree = new Tree();
    const stat = { czxid: 0, mzxid: 0, ctime: 0, mtime: 0, version: 0, cversion: 0, aversion: 0, ephemeralOwner: 0n, pzxid: 0 };
    for (const path of OWN_PATHS) tree.load({ path, data: Buffer.alloc(0), acl: OPEN_ACL, ...stat });
    return tree;
  }

  get size(): number {
    return this.#nodes.size;
  }

  /** Of data and paths, near enough. */
  get bytes(): number {
    return this.#bytes;
  }

  get ephemeralCount(): number {
    let count = 0;
    for (const paths of this.#ephemerals.values()) count += paths.size;
    return count;
  }

  get(path: string): Znode | undefined {
    return this.#nodes.get(path);
  }

  children(path: string): ReadonlySet<string> {
    return this.#children.get(path) ?? NO_CHILDREN;
  }

  ephemeralsOf(sessionId: bigint): readonly string[] {
    return [...(this.#ephemerals.get(sessionId) ?? NO_CHILDREN)];
  }

  /** Every node, parents before their children. */
  all(): Znode[] {
    return [...this.#nodes.values()];
  }

  /** A node as a snapshot has it, after its parent. */
  load(node: Znode): void {
    this.#put(node);
    if (node.path !== '/') this.#adopt(node.path);
    if (node.ephemeralOwner !== 0n) this.#own(node.ephemeralOwner, node.path);
  }

  /** What a transaction may change, as it is now: all that restore() needs to undo it. Undefined: there is no such node. */
  before(sessionId: bigint, transaction: Transaction): Map<string, Znode | undefined> {
    const nodes = new Map<string, Znode | undefined>();
    const note = (path: string): void => void nodes.set(path, this.#nodes.get(path));
    const changed = transaction.type === 'multi' ? transaction.changes : 'path' in transaction ? [transaction] : [];
    for (const { type, path } of changed) {
      if (type === 'create' || type === 'delete') note(parentOf(path));
      if (type !== 'check') note(path);
    }
    if (transaction.type !== 'closeSession') return nodes;
    for (const path of this.ephemeralsOf(sessionId)) {
      note(parentOf(path));
      note(path);
    }
    return nodes;
  }

  /** Makes these nodes what before() found. Nobody is told: the caller sees to those who were told otherwise. */
  restore(nodes: ReadonlyMap<string, Znode | undefined>): void {
    // A parent's path is shorter than its children's: they go before it and come after it.
    const fromTheRoot = [...nodes].sort(([a], [b]) => a.length - b.length);
    for (const [path, node] of fromTheRoot.toReversed()) {
      const now = this.#nodes.get(path);
      if (now === undefined) continue;
      this.#disown(now);
      if (node === undefined) this.#remove(now);
    }
    for (const [, node] of fromTheRoot) if (node !== undefined) this.load(node);
  }

  /** @returns for each change of a multi its node as that change left it: later ones may change it again, or remove it. */
  apply(header: TransactionHeader, transaction: Transaction, fire: Fire): readonly NodeAsOf[] {
    switch (transaction.type) {
      case 'multi':
        return transaction.changes.map(change => {
          this.#change(header, change, fire);
          return { node: this.#nodes.get(change.path), numChildren: this.children(change.path).size };
        });
      case 'closeSession':
        for (const path of this.ephemeralsOf(header.sessionId)) this.#delete(path, header.zxid, fire);
        this.#ephemerals.delete(header.sessionId);
        break;
      case 'createSession':
      case 'nothing':
        break;
      default:
        this.#change(header, transaction, fire);
    }
    return [];
  }

  #change({ zxid, time, sessionId }: TransactionHeader, change: Change, fire: Fire): void {
    const node = this.#nodes.get(change.path);
    switch (change.type) {
      case 'create':
        return this.#create(change, { zxid, time, sessionId }, fire);
      case 'delete':
        return this.#delete(change.path, zxid, fire);
      case 'setData':
        if (node === undefined) return;
        this.#put({ ...node, data: change.data, version: change.version, mzxid: zxid, mtime: time });
        return fire('dataChanged', change.path);
      case 'setAcl':
        if (node !== undefined) this.#put({ ...node, acl: change.acl, aversion: change.version });
        return;
      case 'check':
    }
  }

  #create(change: Change & { type: 'create' }, header: Pick<TransactionHeader, 'zxid' | 'time' | 'sessionId'>, fire: Fire): void {
    const { path, data, acl, ephemeral, parentCversion } = change;
    const { zxid, time } = header;
    const parent = this.#nodes.get(parentOf(path));
    // Only where a log is replayed over one of Apache's snapshots, which are taken while the tree changes.
    if (parent === undefined || this.#nodes.has(path)) return;
    const cversion = parentCversion === -1 ? parent.cversion + 1 : parentCversion;
    if (cversion > parent.cversion) this.#put({ ...parent, cversion, pzxid: zxid });
    const owner = ephemeral ? header.sessionId : 0n;
    this.load({ path, data, acl, czxid: zxid, mzxid: zxid, ctime: time, mtime: time, version: 0, cversion: 0, aversion: 0, ephemeralOwner: owner, pzxid: zxid });
    fire('created', path);
    fire('childrenChanged', parent.path);
  }

  #delete(path: string, zxid: number, fire: Fire): void {
    const node = this.#nodes.get(path);
    const parent = this.#nodes.get(parentOf(path));
    if (node === undefined || parent === undefined) return;
    this.#remove(node);
    if (zxid > parent.pzxid) this.#put({ ...parent, pzxid: zxid });
    this.#disown(node);
    fire('deleted', path);
    fire('childrenChanged', parent.path);
  }

  #remove(node: Znode): void {
    this.#nodes.delete(node.path);
    this.#children.delete(node.path);
    this.#children.get(parentOf(node.path))?.delete(nameOf(node.path));
    this.#bytes -= sizeOf(node);
  }

  #put(node: Znode): void {
    const before = this.#nodes.get(node.path);
    this.#bytes += sizeOf(node) - (before === undefined ? 0 : sizeOf(before));
    this.#nodes.set(node.path, node);
  }

  #adopt(path: string): void {
    const parent = parentOf(path);
    const siblings = this.#children.get(parent);
    if (siblings === undefined) this.#children.set(parent, new Set([nameOf(path)]));
    else siblings.add(nameOf(path));
  }

  #own(sessionId: bigint, path: string): void {
    const owned = this.#ephemerals.get(sessionId);
    if (owned === undefined) this.#ephemerals.set(sessionId, new Set([path]));
    else owned.add(path);
  }

  #disown(node: Znode): void {
    if (node.ephemeralOwner !== 0n) this.#ephemerals.get(node.ephemeralOwner)?.delete(node.path);
  }
}

const sizeOf = (node: Znode): number => node.path.length + (node.data?.length ?? 0);
