import { expect, test } from 'vitest';
import { silentLogger } from '../../src/base/logger.js';
import { ErrorCode } from '../../src/protocol/errors.js';
import type { InitProducerIdResponse } from '../../src/protocol/messages.js';
import { initProducerId } from '../../src/server/handlers/init-producer-id.js';
import { ProducerIds } from '../../src/server/producer-ids.js';
import type { ProducerIdBlock } from '../../src/server/producer-ids.js';
import type { BrokerServices } from '../../src/server/services.js';
import { ManualTime, settled } from '../coordinator/support/manual-time.js';
import { ask, versions } from './handlers/support.js';

/** A controller that gives out blocks of ten, when the test lets it. */
function begin(): { ids: ProducerIds; time: ManualTime; asked: () => number; give: (block: ProducerIdBlock) => Promise<void>; fail: () => Promise<void> } {
  const time = new ManualTime();
  const waiting: { resolve: (block: ProducerIdBlock) => void; reject: (error: Error) => void }[] = [];
  let asked = 0;
  const allocate = (): Promise<ProducerIdBlock> => new Promise((resolve, reject) => { asked++; waiting.push({ resolve, reject }); });
  const ids = new ProducerIds({ allocate, clock: time, timers: time, logger: silentLogger });
  return {
    ids, time, asked: () => asked,
    give: async block => { waiting.shift()!.resolve(block); await settled(); },
    fail: async () => { waiting.shift()!.reject(new Error('no controller')); await settled(); },
  };
}

test('ids are given out one by one, the next block is fetched before it is needed, and none comes twice', async () => {
  const { ids, give, asked } = begin();
  const first = ids.next();
  await give({ first: 1_000, length: 10 });
  const given = [await first];
  for (let i = 0; i < 8; i++) given.push(await ids.next());
  expect(asked()).toBe(1);
  given.push(await ids.next());
  expect(asked()).toBe(2);
  await give({ first: 5_000, length: 10 });
  given.push(await ids.next(), await ids.next());
  expect(given).toEqual([1_000, 1_001, 1_002, 1_003, 1_004, 1_005, 1_006, 1_007, 1_008, 1_009, 5_000, 5_001]);
});

test('whoever asks while a block is on its way waits for it, but not for ever', async () => {
  const { ids, time, give, asked } = begin();
  const patient = ids.next();
  await time.advance(1_000);
  expect(await patient).toBeNull();
  const waiting = [ids.next(), ids.next()];
  await give({ first: 0, length: 10 });
  expect(await Promise.all(waiting)).toEqual([0, 1]);
  expect(asked()).toBe(1);
  expect(time.pending).toBe(0);
});

test('a controller that fails is asked again, not at once; a block that makes no sense is not used', async () => {
  const { ids, time, give, fail, asked } = begin();
  const refused = ids.next();
  await fail();
  expect(await refused).toBeNull();
  expect(await ids.next()).toBeNull();
  expect(asked()).toBe(1);
  await time.advance(50);
  const again = ids.next();
  await give({ first: -5, length: 10 });
  expect(await again).toBeNull();
  await time.advance(50);
  const third = ids.next();
  await give({ first: 7, length: 10 });
  expect(await third).toBe(7);
});

const broker = (ids: (number | null)[]): Partial<BrokerServices> => ({
  producerIds: { next: async () => ids.shift() ?? null } as unknown as BrokerServices['producerIds'],
  config: { number: () => 900_000 } as unknown as BrokerServices['config'],
});

test.each(versions(0, 5))('InitProducerId v%i without a transactional id gives a fresh id with epoch 0', async version => {
  const services = broker([41, 42]);
  const ask1 = (request: object) => ask<InitProducerIdResponse>(initProducerId, version, { transactionalId: null, transactionTimeoutMs: 1, ...request }, services);
  expect(await ask1({})).toMatchObject({ errorCode: 0, producerId: 41, producerEpoch: 0 });
  if (version >= 3) {
    expect(await ask1({ producerId: 41, producerEpoch: 0 })).toMatchObject({ errorCode: 0, producerId: 42, producerEpoch: 0 });
    expect(await ask1({ producerId: 41 })).toMatchObject({ errorCode: ErrorCode.InvalidRequest, producerId: -1, producerEpoch: -1 });
  } else {
    expect(await ask1({})).toMatchObject({ errorCode: 0, producerId: 42 });
  }
  expect(await ask1({})).toMatchObject({ errorCode: ErrorCode.CoordinatorLoadInProgress, producerId: -1, producerEpoch: -1 });
});

test('transactional ids are refused for what is wrong with them before all else', async () => {
  const init = async (transactionalId: string, transactionTimeoutMs: number) =>
    (await ask<InitProducerIdResponse>(initProducerId, 5, { transactionalId, transactionTimeoutMs }, broker([]))).errorCode;
  expect(await init('', 1)).toBe(ErrorCode.InvalidRequest);
  expect(await init('t', 0)).toBe(ErrorCode.InvalidTransactionTimeout);
  expect(await init('t', 900_001)).toBe(ErrorCode.InvalidTransactionTimeout);
  expect(await init('t', 900_000)).toBe(ErrorCode.UnsupportedVersion);
});
