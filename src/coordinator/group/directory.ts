import type { Clock } from '../../base/clock.js';
import { positiveHash } from '../../base/java-hash.js';
import type { Logger } from '../../base/logger.js';
import { hyphenatedUuid } from '../../base/random.js';
import type { Random } from '../../base/random.js';
import type { Timers } from '../../base/timers.js';
import { ErrorCode } from '../../protocol/errors.js';
import type { CoordinatorLog } from '../log.js';
import { LazyAlarm } from '../runtime/alarm.js';
import type { Inflate } from '../runtime/batches.js';
import { CoordinatorRuntime } from '../runtime/runtime.js';
import type { Located } from '../runtime/runtime.js';
import type { Shard } from '../runtime/shard.js';
import type { GroupDecision, GroupLimits } from './environment.js';
import { GroupShard } from './group-shard.js';
import type { GroupRecord } from './records.js';

export interface GroupCoordinatorConfig extends GroupLimits {
  /** offsets.commit.timeout.ms */
  readonly commitTimeoutMs: number;
  /** offsets.load.buffer.size */
  readonly loadBufferBytes: number;
  /** offsets.retention.check.interval.ms */
  readonly retentionCheckIntervalMs: number;
}

/** What a coordinator has to know of topics. */
export interface GroupCoordinatorMetadata {
  /**
   * Of __consumer_offsets; while it does not exist, what it is going to have. Must not change while the coordinator
   * lives: groups would be looked for where they are not. (Kafka reads it once, at start.)
   */
  offsetsPartitionCount(): number;
  topicExists(topic: string, partition: number): boolean;
}

export interface GroupCoordinatorOptions {
  readonly config: GroupCoordinatorConfig;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  readonly log: CoordinatorLog;
  readonly metadata: GroupCoordinatorMetadata;
  /** Inflates batches that another broker has compressed (offsets.topic.compression.codec). */
  readonly inflate: Inflate;
}

export type GroupPartition = Shard<GroupRecord, GroupShard>;
type LocatedGroup = Located<GroupRecord, GroupShard>;

/** Finds the partition and state machine of a group, and carries its decisions out. */
export class GroupDirectory {
  readonly config: GroupCoordinatorConfig;
  readonly metadata: GroupCoordinatorMetadata;
  readonly runtime: CoordinatorRuntime<GroupRecord, GroupShard>;
  readonly #clock: Clock;
  #now: number;

  constructor(options: GroupCoordinatorOptions) {
    const { config, clock, timers, random, logger, log, metadata, inflate } = options;
    this.config = config;
    this.metadata = metadata;
    this.#clock = clock;
    this.#now = clock.now();

    const now = (): number => this.#now;
    const alarm = (shard: () => GroupPartition, ring: () => GroupDecision<void>): LazyAlarm => new LazyAlarm(clock, timers, () => {
      this.tick();
      try {
        void shard().submit(ring());
      } catch (error) {
        logger.error({ partition: shard().partition, error }, 'a group could not deal with a timeout');
      }
    });
    this.runtime = new CoordinatorRuntime<GroupRecord, GroupShard>(
      shard => new GroupShard({
        limits: config, logger,
        get now() { return now(); },
        newId: () => hyphenatedUuid(random),
        alarm: ring => alarm(shard, ring),
      }),
      { log, inflate, clock, timers, logger, commitTimeoutMs: config.commitTimeoutMs, loadBufferBytes: config.loadBufferBytes, beforeApply: () => this.tick() });
  }

  /** A new event begins; what is decided from here on is decided now. */
  tick(): void {
    this.#now = this.#clock.now();
  }

  get now(): number {
    return this.#now;
  }

  /** Every broker and client of Kafka counts this way; see records.json, partitioner. */
  partitionFor(groupId: string): number {
    return positiveHash(groupId) % this.metadata.offsetsPartitionCount();
  }

  /** For apis of group members: a group must have a name. */
  locateNamed(groupId: string): LocatedGroup {
    return groupId === '' ? { ok: false, error: ErrorCode.InvalidGroupId } : this.locate(groupId);
  }

  /** For apis of offsets and administrators, who may use the group without a name. */
  locate(groupId: string): LocatedGroup {
    this.tick();
    return this.runtime.locate(this.partitionFor(groupId));
  }
}
