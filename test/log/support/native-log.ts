// A real native log in a directory of its own, with what TypeScript keeps beside it in memory, and nobody else on its exchange.
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { silentLogger } from '../../../src/base/logger.js';
import { systemClock } from '../../../src/base/clock.js';
import { openPartition } from '../../../src/log/open-partition.js';
import type { FollowerAppendEnd, PartitionLog } from '../../../src/log/partition-log.js';
import { loadAddon } from '../../../src/native/addon.js';
import { Commands } from '../../../src/native/commands.js';
import { CompletionField as Field, CompletionKind, type LogOptions } from '../../../src/native/exchange.js';
import { Jobs } from '../../../src/native/jobs.js';
import { freshDirectory } from '../../support/broker.js';
import { named } from '../../support/names.js';
import { MemoryStorage } from './memory-storage.js';

const OPTIONS: LogOptions = {
  segmentBytes: 1 << 20, segmentMs: 1e12, segmentJitterMs: 0, jitterSeed: 1, indexIntervalBytes: 4096, indexMaxBytes: 1 << 16, maxMessageBytes: 1 << 20,
  flushMessages: Number.MAX_SAFE_INTEGER, timestampBeforeMaxMs: Infinity, timestampAfterMaxMs: Infinity,
};

export interface NativeLog {
  readonly log: PartitionLog;
  /** As a follower's fetch brings them; `leaderEpoch` is that of the fetch. */
  readonly append: (batches: Uint8Array, leaderEpoch?: number) => Promise<FollowerAppendEnd>;
  /** Hands over commands that were given. */
  readonly flush: () => void;
  readonly snapshots: () => Promise<readonly number[]>;
  /** Opens it again, as after a crash. */
  readonly again: () => Promise<NativeLog>;
}

export async function nativeLog(options: Partial<LogOptions> = {}, directory = join(freshDirectory(), 'orders-0'), storage = new MemoryStorage()): Promise<NativeLog> {
  const held: { log?: PartitionLog; settle: () => void } = { settle: () => {} };
  const native = new (loadAddon().Exchange)({
    networkThreads: 1, logThreads: 1, arenaBytes: 16 << 20, maxRequestBytes: 1 << 20, queuedMaxBytes: 8 << 20, maxInFlight: 16, maxQueuedResponseBytes: 1 << 20,
    connectionsMaxIdleMs: 60_000, maxConnections: 10, sendBufferBytes: 0, receiveBufferBytes: 0, onWake: () => held.settle(),
  });
  onTestFinished(() => native.close());
  const commands = new Commands(native);
  const jobs = new Jobs(native);
  held.settle = () => {
    for (let count = Math.floor(native.poll() / 65536), index = 0; index < count; index++) {
      const at = index * Field.size;
      const { completions } = native;
      const field = (which: number): number => completions[at + which]!;
      if (field(Field.kind) === CompletionKind.job) jobs.settle(completions, at);
      else if (field(Field.kind) === CompletionKind.appended) held.log!.appended(field(Field.code), field(Field.cookie), field(Field.baseOffset), field(Field.lastOffset), field(Field.timestamp), field(Field.generation), field(Field.leaderEpoch));
      else if (field(Field.kind) === CompletionKind.rolled) void held.log!.snapshots.take(field(Field.baseOffset), held.log!.producers);
    }
  };
  const access = { native, jobs, commands, clock: systemClock, arena: new DataView(native.arena) };
  await storage.makeDirectory(directory);
  const opened = await openPartition({
    topic: named('orders'), partition: 0, logDir: directory, directory, recoveryPoint: 0, startOffset: 0, clean: false, logOptions: { ...OPTIONS, ...options },
    access, storage, logger: silentLogger, producerExpirationMs: () => Number.MAX_SAFE_INTEGER, onMetadataFailed: error => { throw error; },
  });
  const { log } = opened;
  held.log = log;
  return {
    log,
    append: (batches, leaderEpoch = 100) => new Promise(resolve => {
      const at = native.lease(batches.length);
      new Uint8Array(native.arena).set(batches, at);
      log.appendAsFollower(at, batches.length, leaderEpoch, end => {
        native.release(at);
        resolve(end);
      });
      commands.flush();
    }),
    flush: () => commands.flush(),
    snapshots: async () => ((await storage.list(directory)) ?? []).map(({ name }) => name).filter(name => name.endsWith('.snapshot')).map(name => parseInt(name, 10)).sort((a, b) => a - b),
    again: async () => {
      await opened.metadataWritten();
      await log.abandon();
      return nativeLog(options, directory, storage);
    },
  };
}
