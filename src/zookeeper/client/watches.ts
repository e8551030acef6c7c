import { OpCode, Xid } from '../jute/records.js';
import type { WatchEvent, Watcher } from '../types.js';
import type { Watch } from './request.js';
import { packet, setXid } from './request.js';

/** A packet of many watches is cut here, as Apache's client does: a whole one could pass the server's 1 MiB limit. */
const REARM_BYTES = 128 * 1024;

type Watchers = Map<string, Set<Watcher>>;

/** The watches that are armed at the server, by the server's paths. */
export class WatchRegistry {
  readonly #data: Watchers = new Map();
  /** Armed by exists() on what was not there. */
  readonly #exists: Watchers = new Map();
  readonly #children: Watchers = new Map();

  /** Called when the answer arrives, which says whether there is a watch and of which kind. */
  add(watch: Watch, found: boolean): void {
    if (!found && watch.kind !== 'exists') return;
    const armed = watch.kind === 'children' ? this.#children : found ? this.#data : this.#exists;
    const watchers = armed.get(watch.path);
    if (watchers === undefined) armed.set(watch.path, new Set([watch.watcher]));
    else watchers.add(watch.watcher);
  }

  /** Takes out whom an event concerns. Each is told once, however many of its watches the event fires. */
  take(type: WatchEvent['type'], path: string): Set<Watcher> {
    const kinds = { created: [this.#data, this.#exists], dataChanged: [this.#data, this.#exists], childrenChanged: [this.#children],
      deleted: [this.#data, this.#exists, this.#children] }[type];
    const told = new Set<Watcher>();
    for (const armed of kinds) {
      for (const watcher of armed.get(path) ?? []) told.add(watcher);
      armed.delete(path);
    }
    return told;
  }

  clear(): void {
    for (const armed of [this.#data, this.#exists, this.#children]) armed.clear();
  }

  /**
   * Packets that arm everything again on a new connection. The server fires at once for what changed after `lastZxid`.
   * SetWatches, as Apache's client sends while it has no persistent watches, and we have none: all that SetWatches2 adds is
   * those, and servers before 3.6 answer it by hanging up.
   */
  rearm(lastZxid: number): Buffer[] {
    const packets: Buffer[] = [];
    let batch: [string[], string[], string[]] = [[], [], []];
    let size = 0;
    const flush = (): void => {
      if (size > 0) packets.push(setWatches(lastZxid, batch));
      batch = [[], [], []];
      size = 0;
    };
    for (const [kind, armed] of [this.#data, this.#exists, this.#children].entries()) {
      for (const path of armed.keys()) {
        batch[kind]!.push(path);
        size += 4 + Buffer.byteLength(path);
        if (size >= REARM_BYTES) flush();
      }
    }
    flush();
    return packets;
  }
}

function setWatches(lastZxid: number, lists: readonly string[][]): Buffer {
  const bytes = packet(OpCode.setWatches, writer => {
    writer.int64(lastZxid);
    for (const list of lists) writer.vector(list, path => writer.string(path));
  });
  setXid(bytes, Xid.setWatches);
  return bytes;
}
