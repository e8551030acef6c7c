// Writes of the controller. Every one is conditional on /controller_epoch, so that a controller that lost its place finds
// out by ControllerMoved before it can do harm (KafkaZkClient.scala). Many are written in few multis, and each has its own
// result all the same.

import { sideBySide } from '../base/side-by-side.js';
import { isZkError, ZkError, type Op, type OpResult, type ZooKeeper } from '../zookeeper/types.js';
import { ZnodePath } from '../zookeeper/znodes/paths.js';

/** Somebody else is the controller now: resign. */
export class ControllerMoved extends Error {
  override readonly name = 'ControllerMoved';
}

/** What one item wants written, all of it or nothing. */
export interface Write<Item> {
  readonly item: Item;
  readonly ops: readonly Op[];
}

export type Written =
  | { readonly done: true; readonly results: readonly OpResult[] }
  | { readonly done: false; readonly error: ZkError };

/** Operations of one multi: enough to be few, small enough for ZooKeeper's limit of 1 MiB and a short turn there. */
const OPS_AT_ONCE = 200;
/** Multis that are on their way together. */
const MULTIS_AT_ONCE = 16;
/** Those of a batch that failed go one by one. */
const SINGLES_AT_ONCE = 128;

/** After these nobody knows what was written, or nothing can be: the whole event has failed. */
const FATAL = ['SESSIONEXPIRED', 'CLOSED', 'AUTHFAILED', 'CONNECTIONLOSS', 'SESSIONMOVED', 'SYSTEMERROR'] as const;

export class FencedWrites {
  readonly #zk: ZooKeeper;
  readonly #epochVersion: () => number;

  constructor(zk: ZooKeeper, epochVersion: () => number) {
    this.#zk = zk;
    this.#epochVersion = epochVersion;
  }

  /** One multi; rejects with ControllerMoved or the first operation's ZkError. */
  async write(ops: readonly Op[]): Promise<OpResult[]> {
    const fence: Op = { type: 'check', path: ZnodePath.controllerEpoch, version: this.#epochVersion() };
    try {
      return (await this.#zk.multi([fence, ...ops])).slice(1);
    } catch (error) {
      if (error instanceof ZkError && error.path === ZnodePath.controllerEpoch) throw new ControllerMoved('the controller epoch has moved on');
      throw error;
    }
  }

  /** A result for each item. Rejects where the controller has moved, or ZooKeeper cannot be written to. */
  async writeEach<Item>(writes: readonly Write<Item>[]): Promise<Map<Item, Written>> {
    const written = new Map<Item, Written>();
    await sideBySide(batchesOf(writes), MULTIS_AT_ONCE, async batch => {
      if (batch.length > 1 && (await this.#together(batch, written))) return;
      await sideBySide(batch, SINGLES_AT_ONCE, each => this.#alone(each, written));
    });
    return written;
  }

  /** False: one of them could not be done, and so none was. */
  async #together<Item>(batch: readonly Write<Item>[], written: Map<Item, Written>): Promise<boolean> {
    try {
      const results = await this.write(batch.flatMap(({ ops }) => ops));
      let from = 0;
      for (const { item, ops } of batch) written.set(item, { done: true, results: results.slice(from, (from += ops.length)) });
      return true;
    } catch (error) {
      if (!isZkError(error) || isZkError(error, ...FATAL)) throw error;
      return false;
    }
  }

  async #alone<Item>({ item, ops }: Write<Item>, written: Map<Item, Written>): Promise<void> {
    try {
      written.set(item, { done: true, results: await this.write(ops) });
    } catch (error) {
      if (!isZkError(error) || isZkError(error, ...FATAL)) throw error;
      written.set(item, { done: false, error });
    }
  }
}

function batchesOf<Item>(writes: readonly Write<Item>[]): Write<Item>[][] {
  const batches: Write<Item>[][] = [];
  let room = 0;
  for (const each of writes) {
    if (room < each.ops.length) {
      batches.push([]);
      room = OPS_AT_ONCE;
    }
    batches.at(-1)!.push(each);
    room -= each.ops.length;
  }
  return batches;
}

/** The version that a write of data left the node with. */
export function versionAfter(results: readonly OpResult[], otherwise: number): number {
  const last = results.at(-1);
  return last !== undefined && last.type === 'setData' ? last.stat.version : otherwise;
}
