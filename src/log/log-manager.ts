// All logs of a broker: opened at start, made and deleted on the controller's word, checkpointed, closed in order
// (LogManager.scala).

import type { TopicName } from '../base/topic-name.js';
import { join } from 'node:path';
import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/logger.js';
import type { Random } from '../base/random.js';
import type { Timer, Timers } from '../base/timers.js';
import type { TopicConfig } from '../config/topic-config.js';
import type { Commands } from '../native/commands.js';
import type { LogOptions, NativeExchange } from '../native/exchange.js';
import type { Jobs } from '../native/jobs.js';
import { HIGH_WATERMARKS, LOG_START_OFFSETS, RECOVERY_POINTS, readOffsets, type PartitionOffset } from './checkpoint-file.js';
import { Checkpoints, type OffsetsOf } from './checkpoints.js';
import { forgetCleanShutdown, markCleanShutdown, wasCleanlyShutDown } from './clean-shutdown.js';
import { diskTrouble } from './disk-trouble.js';
import { scanLogDirectory } from './log-directory.js';
import { openPartition, type OpenedPartition } from './open-partition.js';
import { liveName, suffixedName } from './partition-directory.js';
import type { LogAccess, PartitionLog } from './partition-log.js';
import { PARTITION_METADATA, readPartitionMetadata, writePartitionMetadata } from './partition-metadata.js';
import { Removals } from './removals.js';
import type { Storage } from './storage.js';

export class LogDirectoryError extends Error {
  override readonly name = 'LogDirectoryError';
  readonly inconsistentTopicId: boolean;
  constructor(message: string, inconsistentTopicId = false) {
    super(message);
    this.inconsistentTopicId = inconsistentTopicId;
  }
}

/** Two log directories hold the same partition: nobody can say which is the right one. */
export class DuplicatePartition extends Error {
  override readonly name = 'DuplicatePartition';
}

export interface LogManagerOptions {
  readonly native: NativeExchange;
  readonly jobs: Jobs;
  readonly commands: Commands;
  readonly storage: Storage;
  readonly logDirs: readonly string[];
  /** Of these, those that were given up before. */
  readonly unusable?: ReadonlySet<string>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  readonly topicConfig: (topic: string) => TopicConfig;
  readonly producerExpirationMs: () => number;
  readonly recoveryCheckpointMs: number;
  readonly startOffsetCheckpointMs: number;
  readonly flushCheckMs: number;
  /** Logs opened at once, per directory (num.recovery.threads.per.data.dir). */
  readonly openAtOnce: number;
  /** A directory cannot be written any more; its logs serve nobody. */
  readonly onDirectoryFailed: (logDir: string) => void;
}

const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';
const PRODUCER_EXPIRY_CHECK_MS = 600_000;

/** A log, with what belongs to it that only this file needs. */
interface Held {
  readonly log: PartitionLog;
  readonly metadataWritten: () => Promise<void>;
  lastFlush: number;
  /** Snapshots and flushes under way: a log is closed, and its directory renamed, behind them. */
  background: Promise<unknown>;
}

export class LogManager {
  readonly #options: LogManagerOptions;
  readonly #access: LogAccess;
  readonly #held = new Map<string, Held>();
  /** By native index, for completions. */
  readonly #byIndex: (PartitionLog | undefined)[] = [];
  readonly #highWatermarks = new Map<string, number>();
  readonly #online = new Set<string>();
  readonly #checkpoints: Checkpoints;
  readonly #creating = new Map<string, Promise<PartitionLog>>();
  /** By directory: new logs that are not open yet. They count as well: a topic's partitions come all at once. */
  readonly #opening = new Map<string, number>();
  /** By directory: logs that are held. */
  readonly #counts = new Map<string, number>();
  readonly #timers = new Set<Timer>();
  readonly #removals: Removals;

  constructor(options: LogManagerOptions) {
    this.#options = options;
    const { native, jobs, commands, clock } = options;
    this.#access = { native, jobs, commands, clock, arena: new DataView(native.arena) };
    this.#removals = new Removals(options.storage, options.logger);
    this.#checkpoints = new Checkpoints({ storage: options.storage, online: this.#online, guarded: (logDir, work) => this.#guarded(logDir, work) });
  }

  /** Opens every log there is. Directories exist and are locked. Logs of several directories, and several of one, at once. */
  async open(): Promise<void> {
    await Promise.all(this.#options.logDirs.map(async logDir => {
      if (this.#options.unusable?.has(logDir)) return;
      this.#online.add(logDir);
      try {
        await this.#openDirectory(logDir);
      } catch (error) {
        if (this.#options.logDirs.length === 1 || error instanceof DuplicatePartition) throw error;
        this.#options.logger.error({ logDir, error: String(error) }, 'a log directory cannot be used');
        this.#online.delete(logDir);
        this.#letGo(logDir);
      }
    }));
    if (this.#online.size === 0) throw new LogDirectoryError('none of the log directories can be used');
    const { timers, recoveryCheckpointMs, startOffsetCheckpointMs, flushCheckMs } = this.#options;
    this.#timers.add(timers.every(recoveryCheckpointMs, () => void this.checkpointRecoveryPoints()));
    this.#timers.add(timers.every(startOffsetCheckpointMs, () => void this.checkpointStartOffsets()));
    this.#timers.add(timers.every(PRODUCER_EXPIRY_CHECK_MS, () => this.#expireProducers()));
    if (flushCheckMs < Number.MAX_SAFE_INTEGER) this.#timers.add(timers.every(flushCheckMs, () => this.#flushDue()));
  }

  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#held.get(keyOf(topic, partition))?.log;
  }

  byIndex(index: number): PartitionLog | undefined {
    return this.#byIndex[index];
  }

  *logs(): IterableIterator<PartitionLog> {
    for (const { log } of this.#held.values()) yield log;
  }

  get onlineDirectories(): ReadonlySet<string> {
    return this.#online;
  }

  /**
   * The log of a replica that comes to this broker: the one that is there, or a new one in the emptiest directory. Rejects
   * with a LogDirectoryError where trying again makes no sense before the broker's next start.
   */
  async create(topic: TopicName, partition: number, topicId: string, isNew: boolean): Promise<PartitionLog> {
    const name = liveName(topic, partition);
    // Asked twice at once, it is made once: each would take what the other makes for a leftover.
    const other = this.#creating.get(name);
    if (other !== undefined) return other;
    const creation = this.#create(topic, partition, topicId, isNew).finally(() => this.#creating.delete(name));
    this.#creating.set(name, creation);
    return creation;
  }

  async #create(topic: TopicName, partition: number, topicId: string, isNew: boolean): Promise<PartitionLog> {
    const known = this.get(topic, partition);
    if (known !== undefined) {
      if (known.topicId !== topicId && known.topicId !== ZERO_ID && topicId !== ZERO_ID) {
        throw new LogDirectoryError(`${known.directory} belongs to topic id ${known.topicId}, not ${topicId}`, true);
      }
      return known;
    }
    for (;;) {
      const home = await this.#homeOf(topic, partition, topicId);
      // It may lie in the directory that failed: making a second one elsewhere would lose what is there.
      if (home === undefined && !isNew && this.#online.size < this.#options.logDirs.length) throw new LogDirectoryError(`${liveName(topic, partition)} may be in an offline log directory`);
      const logDir = home ?? this.#emptiest();
      try {
        return await this.#createIn(logDir, topic, partition, topicId, home === undefined);
      } catch (error) {
        // A disk that refuses the first file of a log refuses the others too. What nobody has written yet may go elsewhere.
        if (diskTrouble(error) !== 'failed') throw error;
        this.#directoryFailed(logDir, String(error));
      }
    }
  }

  async #createIn(logDir: string, topic: TopicName, partition: number, topicId: string, fresh: boolean): Promise<PartitionLog> {
    const { storage } = this.#options;
    const directory = join(logDir, liveName(topic, partition));
    this.#opening.set(logDir, (this.#opening.get(logDir) ?? 0) + 1);
    try {
      await storage.makeDirectory(directory);
      await storage.syncDirectory(logDir);
      if (topicId !== ZERO_ID) await writePartitionMetadata(storage, join(directory, PARTITION_METADATA), topicId);
      return await this.#openLog({ logDir, topic, partition, recoveryPoint: 0, startOffset: 0, clean: true });
    } catch (error) {
      // Half a log must not be in the way of the whole one, which may come to lie in another directory.
      if (fresh) await storage.remove(directory).catch(() => {});
      throw error;
    } finally {
      this.#opening.set(logDir, this.#opening.get(logDir)! - 1);
    }
  }

  /**
   * Where a log lies that is not open: its first opening failed. A directory of that name with another topic's id is left
   * over from a deletion that did not come to its end, and moves out of the way.
   */
  async #homeOf(topic: TopicName, partition: number, topicId: string): Promise<string | undefined> {
    const { storage, random } = this.#options;
    let home: string | undefined;
    for (const logDir of [...this.#online]) {
      const directory = join(logDir, liveName(topic, partition));
      try {
        if ((await storage.list(directory)) === null) continue;
        const found = await readPartitionMetadata(storage, join(directory, PARTITION_METADATA));
        if (found === null || found === topicId || topicId === ZERO_ID) {
          home ??= logDir;
          continue;
        }
        await storage.rename(directory, join(logDir, suffixedName(topic, partition, 'stray', random.bytes(16).toString('hex'))));
        await storage.syncDirectory(logDir);
      } catch (error) {
        if (diskTrouble(error) !== 'failed') throw error;
        this.#directoryFailed(logDir, String(error));
      }
    }
    return home;
  }

  /** The id of a log from before topics had ids. */
  async adoptTopicId(log: PartitionLog, topicId: string): Promise<void> {
    try {
      await writePartitionMetadata(this.#options.storage, join(log.directory, PARTITION_METADATA), topicId);
    } catch (error) {
      this.#failedIn(log.logDir, error);
      throw error;
    }
    log.topicId = topicId;
  }

  /**
   * Takes a log out of service and its files off the disk, the latter after file.delete.delay.ms. The checkpoints name it
   * until they are written the next time, which has to be before a log with its name is made.
   */
  async remove(topic: TopicName, partition: number): Promise<void> {
    const name = liveName(topic, partition);
    const held = this.#held.get(name);
    if (held === undefined) {
      if (this.#online.size < this.#options.logDirs.length) throw new LogDirectoryError(`${name} may be in an offline log directory`);
      return;
    }
    const { log } = held;
    await this.#abandon(held);
    await held.metadataWritten();
    const { storage, random } = this.#options;
    const doomed = join(log.logDir, suffixedName(topic, partition, 'delete', random.bytes(16).toString('hex')));
    await storage.rename(log.directory, doomed);
    await storage.syncDirectory(log.logDir);
    // Only now: as long as the directory is there under its name, the controller must be able to ask again.
    this.#unhold(name, held);
    this.#highWatermarks.delete(name);
    this.#removeAfter(this.#options.topicConfig(topic).fileDeleteDelayMs, doomed);
  }

  async #abandon({ log, background }: Held): Promise<void> {
    await background;
    if (!log.isOpen) return;
    const { index } = log;
    await log.abandon();
    this.#byIndex[index] = undefined;
  }

  checkpointedHighWatermark(topic: string, partition: number): number {
    return this.#highWatermarks.get(keyOf(topic, partition)) ?? 0;
  }

  /** replication-offset-checkpoint: only who leads and follows knows what it says. */
  checkpointHighWatermarks(offsets: OffsetsOf): Promise<void> {
    return this.#checkpoints.write(HIGH_WATERMARKS, offsets);
  }

  checkpointRecoveryPoints(): Promise<void> {
    return this.#checkpoints.write(RECOVERY_POINTS, logDir => this.#offsets(logDir, log => log.recoveryPoint));
  }

  /** Only logs that start inside their first segment are listed: for the others the file's name says it. */
  checkpointStartOffsets(): Promise<void> {
    return this.#checkpoints.write(LOG_START_OFFSETS, logDir => this.#offsets(logDir, log => log.startOffset).filter(each => each.offset > 0));
  }

  /** A log began a new segment: what is known of producers at that offset is noted, and the old segment goes to disk. */
  rolled(index: number, baseOffset: number): void {
    const log = this.#byIndex[index];
    log?.rolled(baseOffset);
    const held = log === undefined ? undefined : this.#held.get(liveName(log.topic, log.partition));
    if (log === undefined || held === undefined) return;
    this.#inBackground(held, async () => {
      await log.snapshots.take(baseOffset, log.producers);
      await log.flushRolled();
    });
  }

  #inBackground(held: Held, work: () => Promise<void>): void {
    held.background = Promise.all([held.background, this.#guarded(held.log.logDir, work)]);
  }

  /** A write could not be undone or a flush failed: nobody can say what is on that disk. */
  broken(index: number): void {
    const log = this.#byIndex[index];
    if (log !== undefined) this.#directoryFailed(log.logDir, `the log ${log.directory} can no longer be written`);
  }

  /** Flushes and closes everything, then marks the directories as closed in order. */
  async close(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    await Promise.all([...this.#online].map(async logDir => {
      const held = [...this.#held.values()].filter(each => each.log.logDir === logDir);
      const closed = await Promise.all(held.map(each => this.#closeLog(each)));
      if (!closed.every(Boolean)) return;
      await this.checkpointRecoveryPoints();
      await this.checkpointStartOffsets();
      await markCleanShutdown(this.#options.storage, logDir);
    }));
  }

  async #closeLog(held: Held): Promise<boolean> {
    const { log, metadataWritten } = held;
    try {
      await held.background;
      await log.close(true);
      await log.snapshots.take(log.endOffset, log.producers);
      await metadataWritten();
      return true;
    } catch (error) {
      this.#options.logger.error({ log: log.directory, error: String(error) }, 'a log was not closed in order');
      return false;
    }
  }

  async #openDirectory(logDir: string): Promise<void> {
    const { storage, logger } = this.#options;
    const clean = await wasCleanlyShutDown(storage, logDir);
    if (clean) await forgetCleanShutdown(storage, logDir);
    const [found, recoveryPoints, startOffsets, highWatermarks] = await Promise.all([
      scanLogDirectory(storage, logDir),
      readOffsets(storage, join(logDir, RECOVERY_POINTS)),
      readOffsets(storage, join(logDir, LOG_START_OFFSETS)),
      readOffsets(storage, join(logDir, HIGH_WATERMARKS)),
    ]);
    for (const { topic, partition, offset } of highWatermarks) this.#highWatermarks.set(keyOf(topic, partition), offset);
    const byName = (offsets: readonly PartitionOffset[]): Map<string, number> => new Map(offsets.map(each => [keyOf(each.topic, each.partition), each.offset]));
    const recovery = byName(recoveryPoints);
    const starts = byName(startOffsets);
    for (const { name, kind } of found) if (kind === 'delete') this.#removeAfter(0, join(logDir, name));
    // Internal topics first: groups can be served while the rest still opens.
    const live = found.filter(each => each.kind === 'live').sort((a, b) => Number(b.topic.startsWith('__')) - Number(a.topic.startsWith('__')));
    if (!clean && live.length > 0) logger.info({ logDir, logs: live.length }, 'the last stop was not in order: recovering');
    let next = 0;
    const failures: unknown[] = [];
    const worker = async (): Promise<void> => {
      while (next < live.length && failures.length === 0) {
        const { topic, partition, name } = live[next++]!;
        try {
          await this.#openLog({ logDir, topic, partition, recoveryPoint: recovery.get(name) ?? 0, startOffset: starts.get(name) ?? 0, clean });
        } catch (error) {
          failures.push(error);
        }
      }
    };
    // All of them come to their end, so that what is let go after a failure is all there is.
    await Promise.all(Array.from({ length: Math.max(1, this.#options.openAtOnce) }, worker));
    if (failures.length > 0) throw failures[0];
  }

  async #openLog(asked: { logDir: string; topic: TopicName; partition: number; recoveryPoint: number; startOffset: number; clean: boolean }): Promise<PartitionLog> {
    const { storage, logger, clock, random, producerExpirationMs } = this.#options;
    const name = liveName(asked.topic, asked.partition);
    const opened: OpenedPartition = await openPartition({
      ...asked,
      directory: join(asked.logDir, name),
      access: this.#access, storage, logger, producerExpirationMs,
      logOptions: logOptions(this.#options.topicConfig(asked.topic), random.int(0x7fffffff)),
      onMetadataFailed: error => this.#failedIn(asked.logDir, error),
    });
    const { log, metadataWritten } = opened;
    const held = { log, metadataWritten, lastFlush: clock.monotonic(), background: Promise.resolve() };
    const twin = this.#held.get(name)?.log;
    if (twin !== undefined) {
      await this.#abandon(held);
      throw new DuplicatePartition(`${name} is in two log directories, ${twin.logDir} and ${asked.logDir}: move one of them elsewhere`);
    }
    if (!this.#online.has(asked.logDir)) {
      // It failed meanwhile, and its other logs are gone.
      await this.#abandon(held);
      throw new LogDirectoryError(`${asked.logDir} has failed`);
    }
    this.#byIndex[log.index] = log;
    this.#hold(name, held);
    return log;
  }

  #hold(name: string, held: Held): void {
    this.#held.set(name, held);
    this.#counts.set(held.log.logDir, (this.#counts.get(held.log.logDir) ?? 0) + 1);
  }

  #unhold(name: string, { log }: Held): void {
    if (this.#held.delete(name)) this.#counts.set(log.logDir, this.#counts.get(log.logDir)! - 1);
  }

  /** The timer is forgotten once it was of use. */
  #removeAfter(ms: number, directory: string): void {
    const timer = this.#options.timers.after(ms, () => {
      this.#timers.delete(timer);
      this.#removals.remove(directory);
    });
    this.#timers.add(timer);
  }

  #emptiest(): string {
    const logs = (logDir: string): number => (this.#counts.get(logDir) ?? 0) + (this.#opening.get(logDir) ?? 0);
    let best: string | undefined;
    for (const logDir of this.#options.logDirs) if (this.#online.has(logDir) && (best === undefined || logs(logDir) < logs(best))) best = logDir;
    if (best === undefined) throw new LogDirectoryError('no log directory is online');
    return best;
  }

  #offsets(logDir: string, of: (log: PartitionLog) => number): PartitionOffset[] {
    return [...this.#held.values()].filter(({ log }) => log.logDir === logDir).map(({ log }) => ({ topic: log.topic, partition: log.partition, offset: of(log) }));
  }

  #flushDue(): void {
    const now = this.#options.clock.monotonic();
    for (const held of this.#held.values()) {
      if (!held.log.isOpen) continue;
      if (now - held.lastFlush < this.#options.topicConfig(held.log.topic).flushMs || held.log.recoveryPoint >= held.log.endOffset) continue;
      held.lastFlush = now;
      this.#inBackground(held, () => held.log.flush());
    }
  }

  #expireProducers(): void {
    const now = this.#options.clock.now();
    for (const { log } of this.#held.values()) log.producers.expire(now);
  }

  /** A full disk is waited out; any other failure takes the directory offline. */
  async #guarded(logDir: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#failedIn(logDir, error);
    }
  }

  #failedIn(logDir: string, error: unknown): void {
    if (diskTrouble(error) === 'passes') this.#options.logger.warn({ logDir, error: String(error) }, 'no space or no descriptors for what is kept beside the logs; it is tried again');
    else this.#directoryFailed(logDir, String(error));
  }

  #directoryFailed(logDir: string, why: string): void {
    if (!this.#online.delete(logDir)) return;
    this.#options.logger.error({ logDir, why }, 'log directory goes offline');
    this.#options.onDirectoryFailed(logDir);
    this.#letGo(logDir);
  }

  /** The logs of a directory that failed write nothing any more. What they hold goes once what is under way has ended. */
  #letGo(logDir: string): void {
    for (const [name, held] of [...this.#held]) {
      if (held.log.logDir !== logDir) continue;
      this.#unhold(name, held);
      this.#abandon(held).catch((error: unknown) => this.#options.logger.warn({ log: held.log.directory, error: String(error) }, 'a log of a failed directory was not closed'));
    }
  }
}

/** What partitions are looked up by. Equal to the name of the directory, and yet no path: the topic may be anything. */
function keyOf(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

/** A topic's settings as its native logs take them. */
export function logOptions(config: TopicConfig, jitterSeed: number): LogOptions {
  return {
    segmentBytes: config.segmentBytes,
    segmentMs: config.segmentMs,
    segmentJitterMs: config.segmentJitterMs,
    jitterSeed,
    indexIntervalBytes: config.indexIntervalBytes,
    indexMaxBytes: config.segmentIndexBytes,
    maxMessageBytes: config.maxMessageBytes,
    flushMessages: config.flushMessages,
    timestampBeforeMaxMs: unbounded(config.messageTimestampBeforeMaxMs),
    timestampAfterMaxMs: unbounded(config.messageTimestampAfterMaxMs),
  };
}

/** Of a setting that may say "never" with the largest number there is. */
function unbounded(ms: number): number {
  return ms >= Number.MAX_SAFE_INTEGER ? Infinity : ms;
}
