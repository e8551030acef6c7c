// ISR changes before AlterPartition (inter.broker.protocol.version below 2.7-IV2): the leader writes the state znode itself, and
// tells the controller a while later, many at once (ZkAlterPartitionManager.scala, ReplicationUtils.scala).

import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/logger.js';
import type { Timer, Timers } from '../base/timers.js';
import { ErrorCode } from '../protocol/errors.js';
import { isZkError, type ZooKeeper } from '../zookeeper/types.js';
import { encodeIsrChange, type TopicPartition } from '../zookeeper/znodes/notifications.js';
import { decodePartitionState, encodePartitionState, type PartitionState } from '../zookeeper/znodes/partition.js';
import { partitionStatePath, SequencePrefix } from '../zookeeper/znodes/paths.js';
import type { AlterPartitionManager, IsrAnswer, IsrChange } from './isr-change.js';

const CHECK_MS = 2500;
/** Without another change for so long, it is told; or when the last telling is so long ago. */
const LINGER_MS = 5000;
const LONGEST_MS = 60_000;
const RETRY_MS = 1000;

export interface ZooKeeperIsrOptions {
  readonly zookeeper: ZooKeeper;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
}

export class ZooKeeperIsrWriter implements AlterPartitionManager {
  readonly #options: ZooKeeperIsrOptions;
  readonly #untold = new Map<string, TopicPartition>();
  readonly #checking: Timer;
  #lastChange: number;
  #lastTold: number;
  #closed = false;

  constructor(options: ZooKeeperIsrOptions) {
    this.#options = options;
    this.#lastChange = this.#lastTold = options.clock.monotonic();
    this.#checking = options.timers.every(CHECK_MS, () => this.#maybeTell());
  }

  submit(change: IsrChange, answered: (answer: IsrAnswer) => void): void {
    this.#write(change).then(version => {
      if (this.#closed) return;
      if (version === undefined) {
        answered({ errorCode: ErrorCode.InvalidUpdateVersion });
        return;
      }
      const { topic, partition, leaderEpoch, isr } = change;
      this.#untold.set(`${topic}/${partition}`, { topic, partition });
      this.#lastChange = this.#options.clock.monotonic();
      answered({ committed: { leaderEpoch, partitionEpoch: version, isr } });
    }, (error: unknown) => {
      // The session expired, say. The change applies to its own partition epoch: it may be tried as long as nobody wants another.
      this.#options.logger.warn({ topic: change.topic, partition: change.partition, error: String(error) }, 'an ISR could not be written: trying again');
      if (!this.#closed) this.#options.timers.after(RETRY_MS, () => { if (!this.#closed) this.submit(change, answered); });
    });
  }

  close(): void {
    this.#closed = true;
    this.#checking.cancel();
  }

  /** The znode's version behind it; undefined: somebody else has changed it. */
  async #write(change: IsrChange): Promise<number | undefined> {
    const { zookeeper } = this.#options;
    const path = partitionStatePath(change.topic, change.partition);
    const state: PartitionState = { leader: change.leader, leaderEpoch: change.leaderEpoch, isr: change.isr, controllerEpoch: change.controllerEpoch, leaderRecoveryState: 0 };
    try {
      return (await zookeeper.setData(path, encodePartitionState(state), change.partitionEpoch)).version;
    } catch (error) {
      if (!isZkError(error, 'BADVERSION')) {
        if (isZkError(error, 'NONODE')) return undefined;
        throw error;
      }
      // It may be our own, written before a connection broke.
      const found = await zookeeper.getData(path);
      return found.data !== null && sameState(decodePartitionState(found.data), state) ? found.stat.version : undefined;
    }
  }

  #maybeTell(): void {
    const now = this.#options.clock.monotonic();
    if (this.#untold.size === 0 || (now - this.#lastChange <= LINGER_MS && now - this.#lastTold <= LONGEST_MS)) return;
    const changes = [...this.#untold.values()];
    this.#untold.clear();
    this.#lastTold = now;
    this.#options.zookeeper.create(SequencePrefix.isrChange, encodeIsrChange(changes), { mode: 'persistentSequential' }).catch((error: unknown) => {
      this.#options.logger.warn({ error: String(error) }, 'the controller could not be told of ISR changes: trying again');
      for (const each of changes) this.#untold.set(`${each.topic}/${each.partition}`, each);
    });
  }
}

function sameState(a: PartitionState, b: PartitionState): boolean {
  return a.leader === b.leader && a.leaderEpoch === b.leaderEpoch && a.controllerEpoch === b.controllerEpoch
    && a.leaderRecoveryState === b.leaderRecoveryState && a.isr.join() === b.isr.join();
}
