import { EventType } from '../jute/records.js';
import type { WatchEvent } from '../types.js';

export interface WatchHolder {
  notify(type: number, path: string): void;
}

/** `data` watches hear of the node itself, also of its creation; `children` watches of its children and its end. */
export type WatchKind = 'data' | 'children';

type Holders = Map<string, Set<WatchHolder>>;

/** Which connection waits for what. One shot. */
export class WatchTable {
  readonly #data: Holders = new Map();
  readonly #children: Holders = new Map();
  /** To find them again when a connection ends. */
  readonly #byHolder = new Map<WatchHolder, { readonly data: Set<string>; readonly children: Set<string> }>();

  get size(): number {
    let count = 0;
    for (const { data, children } of this.#byHolder.values()) count += data.size + children.size;
    return count;
  }

  countOf(holder: WatchHolder): number {
    const held = this.#byHolder.get(holder);
    return held === undefined ? 0 : held.data.size + held.children.size;
  }

  add(kind: WatchKind, path: string, holder: WatchHolder): void {
    const holders = this.#of(kind).get(path);
    if (holders === undefined) this.#of(kind).set(path, new Set([holder]));
    else holders.add(holder);
    let held = this.#byHolder.get(holder);
    if (held === undefined) this.#byHolder.set(holder, (held = { data: new Set(), children: new Set() }));
    held[kind].add(path);
  }

  /** False: there was no such watch. */
  remove(kind: WatchKind, path: string, holder: WatchHolder): boolean {
    this.#byHolder.get(holder)?.[kind].delete(path);
    const holders = this.#of(kind).get(path);
    const was = holders?.delete(holder) ?? false;
    if (holders?.size === 0) this.#of(kind).delete(path);
    return was;
  }

  drop(holder: WatchHolder): void {
    const held = this.#byHolder.get(holder);
    if (held === undefined) return;
    for (const path of held.data) this.remove('data', path, holder);
    for (const path of held.children) this.remove('children', path, holder);
    this.#byHolder.delete(holder);
  }

  fire(type: WatchEvent['type'], path: string): void {
    const told = new Set<WatchHolder>();
    if (type !== 'childrenChanged') this.#take('data', path, told);
    if (type === 'childrenChanged' || type === 'deleted') this.#take('children', path, told);
    for (const holder of told) holder.notify(EventType[type], path);
  }

  #take(kind: WatchKind, path: string, told: Set<WatchHolder>): void {
    for (const holder of this.#of(kind).get(path) ?? []) {
      told.add(holder);
      this.#byHolder.get(holder)?.[kind].delete(path);
    }
    this.#of(kind).delete(path);
  }

  #of(kind: WatchKind): Holders {
    return kind === 'data' ? this.#data : this.#children;
  }
}
