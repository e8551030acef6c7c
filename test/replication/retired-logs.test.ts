// A log leaves while somebody waits behind batches in it that others are to decide anew: nobody waits for ever.
import { expect, test } from 'vitest';
import { silentLogger } from '../../src/base/logger.js';
import { LeaderEpochCache } from '../../src/log/leader-epoch-cache.js';
import { PartitionLog, type LogAccess } from '../../src/log/partition-log.js';
import { ProducerSnapshots } from '../../src/log/producer-snapshots.js';
import { ProducerStateManager } from '../../src/log/producer-state.js';
import type { NativeExchange } from '../../src/native/exchange.js';
import type { Jobs } from '../../src/native/jobs.js';
import { Partition } from '../../src/replication/partition.js';
import { MemoryStorage } from '../log/support/memory-storage.js';
import { named } from '../support/names.js';
import { quietSeams } from '../support/partitions.js';

const [BAD, GOOD] = [8, 9];

interface Scene {
  readonly partition: Partition;
  readonly log: PartitionLog;
  /** Resolves when those who wait behind what is owed may look again, with what they find. */
  readonly told: Promise<{ open: boolean; known: boolean }>;
}

/** A partition in whose log one producer's failure has taken down another's batch, behind which somebody waits. */
async function scene(): Promise<Scene> {
  // A native side where everything succeeds at once.
  const native = new Proxy({} as NativeExchange, { get: (_, name) => () => (name === 'openLog' ? 3 : undefined) });
  const run: Jobs['run'] = (_what, begin) => {
    begin(native, 0);
    return Promise.resolve({ code: 0, first: 0, second: 0, third: 0, fourth: 0 });
  };
  const producers = new ProducerStateManager({ expirationMs: () => 1000 });
  const log = new PartitionLog({ native, jobs: { run } as Jobs } as LogAccess, { topic: named('orders'), partition: 0, topicId: '', logDir: 'd', directory: 'd/orders-0', epochs: new LeaderEpochCache([], () => {}), producers, snapshots: new ProducerSnapshots(new MemoryStorage(), 'd/orders-0', silentLogger) });
  await log.open({} as never, 0, 0, true);
  const partition = new Partition(named('orders'), 0, false, quietSeams());
  partition.attach(log, 0);
  for (const producer of [BAD, GOOD]) producers.prepare(producer, 0, 0, 0, false);
  producers.rollback(false);
  expect(producers.owes).toBe(true);
  const told = new Promise<{ open: boolean; known: boolean }>(resolve => producers.afterOwed(() => resolve({ open: log.isOpen, known: partition.log !== undefined })));
  return { partition, log, told };
}

test('when its directory fails', async () => {
  const { partition, told } = await scene();
  partition.goOffline();
  expect(await told).toMatchObject({ known: false });
});

test('when it is deleted', async () => {
  const { log, told } = await scene();
  await log.abandon();
  expect(await told).toMatchObject({ open: false });
  expect(log.producers.owes).toBe(false);
});

test('and a log that comes back to its partition owes again what fails in it', async () => {
  const { partition, log, told } = await scene();
  partition.goOffline();
  await told;
  log.producers.rollback(true);
  partition.attach(log, 0);
  for (const producer of [BAD, GOOD]) log.producers.prepare(producer, 0, 0, 0, false);
  log.producers.rollback(false);
  expect(log.producers.owes).toBe(true);
});
