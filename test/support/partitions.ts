// Partitions without a disk: a log that is only its offsets, and a world that moves by hand.
import { silentLogger } from '../../src/base/logger.js';
import { LeaderEpochCache } from '../../src/log/leader-epoch-cache.js';
import type { PartitionLog } from '../../src/log/partition-log.js';
import { ProducerStateManager } from '../../src/log/producer-state.js';
import type { IsrAnswer, IsrChange } from '../../src/replication/isr-change.js';
import { Partition, type LeadershipChange, type PartitionSeams } from '../../src/replication/partition.js';
import { Purgatory } from '../../src/replication/purgatory.js';
import { named } from './names.js';

export const MAX_LAG_MS = 30_000;
/** Ourselves, in these stories. */
export const US = 1;

/** What a partition asks of its log. */
export class OffsetsOnly {
  readonly index = 3;
  readonly topicId = 'bm90LWEtdG9waWMtaWQtMQ';
  readonly logDir = 'd';
  readonly isOpen = true;
  readonly activeSegmentBase = 0;
  readonly epochs = new LeaderEpochCache([], () => {});
  readonly producers = new ProducerStateManager({ expirationMs: () => 1000 });
  startOffset = 0;
  endOffset: number;
  /** How far the native log is: the main isolate hears of it later. */
  nativeEnd: number;
  onAppended = (): void => {};
  onTruncated = (end: number): number => end;
  /** What the log was told about parked answers, in order. */
  readonly told: string[] = [];
  alone = false;

  constructor(endOffset = 0) {
    this.endOffset = endOffset;
    this.nativeEnd = endOffset;
  }

  /** Appended, and heard of. */
  append(count = 1): void {
    this.nativeEnd += count;
    this.hear();
  }

  /** The completions come in. */
  hear(): void {
    this.endOffset = this.nativeEnd;
    this.onAppended();
  }

  commitAlone(alone: boolean): number {
    this.alone = alone;
    this.told.push(alone ? 'alone' : 'together');
    return this.nativeEnd;
  }

  advance(watermark: number, code: number): void {
    this.told.push(code === 0 ? `advance ${watermark}` : `advance ${watermark} with ${code}`);
  }

  takeBack(code: number): void {
    this.alone = false;
    this.told.push(`take back with ${code}`);
  }
}

export interface PartitionWorld {
  readonly partition: Partition;
  readonly log: OffsetsOnly;
  readonly purgatory: Purgatory;
  readonly alive: Set<number>;
  /** ISR changes that were asked for. */
  readonly asked: { readonly change: IsrChange; readonly answer: (answer: IsrAnswer) => void }[];
  pass(ms: number): void;
  lead(change?: Partial<LeadershipChange>, epochStart?: number): void;
  follow(change?: Partial<LeadershipChange>): void;
}

export function partitionWorld({ endOffset = 0, highWatermark = 0, minInsyncReplicas = 1 } = {}): PartitionWorld {
  let now = 1_000;
  const alive = new Set([1, 2, 3]);
  const asked: PartitionWorld['asked'][number][] = [];
  const purgatory = new Purgatory(() => {});
  const log = new OffsetsOnly(endOffset);
  const seams: PartitionSeams = {
    brokerId: US, purgatory, logger: silentLogger, now: () => now, maxLagMs: MAX_LAG_MS, isAlive: broker => alive.has(broker), watch: () => {},
    alterIsr: (change, answer) => asked.push({ change, answer }),
  };
  const partition = new Partition(named('orders'), 0, false, seams);
  partition.minInsyncReplicas = minInsyncReplicas;
  partition.attach(log as unknown as PartitionLog, highWatermark);
  const told: LeadershipChange = { leader: US, leaderEpoch: 1, partitionEpoch: 1, controllerEpoch: 1, replicas: [1, 2, 3], isr: [1, 2, 3], addingReplicas: [] };
  return {
    partition, log, purgatory, alive, asked,
    pass: ms => { now += ms; },
    lead: (change = {}, epochStart = log.endOffset) => partition.becomeLeader({ ...told, ...change }, epochStart),
    follow: (change = {}) => partition.becomeFollower({ ...told, leader: 2, ...change }),
  };
}

/** Seams of partitions that are only looked at. */
export function quietSeams(): PartitionSeams {
  return { brokerId: US, purgatory: new Purgatory(() => {}), logger: silentLogger, now: () => 0, maxLagMs: MAX_LAG_MS, isAlive: () => true, watch: () => {}, alterIsr: () => {} };
}
