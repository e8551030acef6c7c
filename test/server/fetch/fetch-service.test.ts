import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.js';
import { silentLogger } from '../../../src/base/logger.js';
import { TimerWheel } from '../../../src/base/timer-wheel.js';
import { systemTimers } from '../../../src/base/timers.js';
import { TurnQueue } from '../../../src/base/turn-queue.js';
import type { Commands } from '../../../src/native/commands.js';
import type { NativeExchange } from '../../../src/native/exchange.js';
import { Connection } from '../../../src/network/connection.js';
import type { ResponseSpace } from '../../../src/network/response-space.js';
import { FetchRequest } from '../../../src/protocol/messages.js';
import { Writer } from '../../../src/protocol/writer.js';
import type { Partition } from '../../../src/replication/partition.js';
import type { DelayedOperation } from '../../../src/replication/purgatory.js';
import type { ReplicaManager } from '../../../src/replication/replica-manager.js';
import { unthrottled } from '../../support/no-quota.js';
import { FetchEntry } from '../../../src/server/fetch/fetch-entry.js';
import { FetchService } from '../../../src/server/fetch/fetch-service.js';
import type { FetchContext, FetchSessions, Opening } from '../../../src/server/fetch/fetch-sessions.js';

const SLOT = 77;
/** What no answer can carry as an offset. */
const UNTELLABLE = 1n as unknown as number;

/** One partition of a session of so many, and what became of a fetch of them. */
function story(partitions = 1) {
  const seen = { released: [] as number[], failed: [] as number[], answered: [] as number[], letGo: 0, done: 0 };
  const waiters = new Set<DelayedOperation>();
  let slice = 0;
  let broken: Error | undefined;
  let cold = false;
  const log = {
    startOffset: 0, endOffset: 1, activeSegmentBase: 0, topicId: '',
    locateHot: () => (cold ? undefined : { slice: ++slice, length: 70, firstOffset: 0 }),
    locate: () => {},
  };
  const partition = {
    role: 'leader', log, highWatermark: 0, lastStableOffset: 0, leadershipError: () => 0,
    wait: (waiter: DelayedOperation) => waiters.add(waiter), unwait: (waiter: DelayedOperation) => waiters.delete(waiter),
  };
  const entries = Array.from({ length: partitions }, (_, index) => {
    const entry = new FetchEntry('orders', '', index, index);
    entry.ask(0, -1, -1, -1, 1000);
    return entry;
  });
  const bytes = Buffer.alloc(1 << 20);
  const service = new FetchService({
    native: { releaseSlice: (each: number) => seen.released.push(each) } as unknown as NativeExchange,
    commands: {
      respond: (slot: number) => seen.answered.push(slot), respondPieces: (slot: number) => seen.answered.push(slot),
      fail: (slot: number) => seen.failed.push(slot), releaseFrame: () => {}, flush: () => {},
    } as unknown as Commands,
    space: { bytes, view: new DataView(bytes.buffer), blockBytes: 1 << 18, reserve: () => 1 << 18, commit: () => {}, leaseApart: () => 1 << 18, release: () => {} } as unknown as ResponseSpace,
    replicas: { metadata: { has: () => true }, find: () => { if (broken !== undefined) throw broken; return partition as unknown as Partition; } } as unknown as ReplicaManager,
    sessions: {
      begin: (): Opening => ({
        step: () => false, abandon: () => {},
        finish: () => ({ kind: 'incremental', entries, session: { id: 9, epoch: 2, served: () => {} }, epoch: 2, release: () => { seen.letGo++; } }) as unknown as FetchContext,
      }),
    } as unknown as FetchSessions,
    wheel: new TimerWheel(systemClock, systemTimers), turns: new TurnQueue(systemClock, systemTimers), logger: silentLogger,
    maxBytes: () => 50 << 20, done: () => { seen.done++; }, lookAgain: () => {}, selectReplica: undefined, quota: unthrottled,
  });
  const connection = new Connection(1, '', () => '');
  const fetch = (): boolean => {
    const writer = new Writer();
    FetchRequest.encode(writer, { replicaId: -1, sessionId: 9, sessionEpoch: 1, maxWaitMs: 600_000, minBytes: 1, maxBytes: 1 << 20 }, 12);
    const body = writer.finish();
    body.copy(bytes);
    return service.serve({ slot: SLOT, connection, apiVersion: 12, correlationId: 1, clientId: '', frameStart: 0, bodyStart: 0, end: body.length });
  };
  const moved = (): void => { for (const waiter of [...waiters]) waiter.moved(); };
  const breakDown = (error: Error): void => { broken = error; };
  return { seen, partition, entries, connection, fetch, moved, breakDown, goCold: () => { cold = true; } };
}

test('an answer that cannot be encoded ends its connection: slices and session are let go', () => {
  const { seen, partition, fetch } = story(2);
  partition.highWatermark = UNTELLABLE;
  expect(fetch()).toBe(true);
  expect(seen).toEqual({ released: [1, 2], failed: [SLOT], answered: [], letGo: 1, done: 0 });
});

test('the same behind a wait; whoever tells it of news goes on', () => {
  const { seen, partition, fetch, moved } = story();
  expect(fetch()).toBe(false);
  partition.highWatermark = UNTELLABLE;
  moved();
  expect(seen).toEqual({ released: [1], failed: [SLOT], answered: [], letGo: 1, done: 1 });
});

test('a partition that cannot be looked at ends the fetch that waited for it, and no other', () => {
  const { seen, fetch, moved, breakDown } = story();
  expect(fetch()).toBe(false);
  breakDown(new Error('lost'));
  moved();
  expect(seen).toEqual({ released: [], failed: [SLOT], answered: [], letGo: 1, done: 1 });
});

test('what a session\'s last answer sent is not given back by a later fetch that ends before it looked', () => {
  const { seen, partition, entries, connection, fetch, goCold } = story(3);
  partition.highWatermark = 1;
  expect(fetch()).toBe(true);
  expect(seen.answered).toEqual([SLOT]);
  // The first partition is with a log thread now, the others still to be looked at: their slices' numbers are others' by now.
  goCold();
  expect(fetch()).toBe(false);
  connection.closed = true;
  connection.onClosed!();
  expect([seen.released, seen.failed, entries.map(({ slice }) => slice)]).toEqual([[], [SLOT], [-1, -1, -1]]);
});
