import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { silentLogger } from '../../src/base/logger.js';
import { seededRandom } from '../../src/base/random.js';
import { systemResolver } from '../../src/base/resolver.js';
import { systemTimers } from '../../src/base/timers.js';
import type { NativeExchange } from '../../src/native/exchange.js';
import { Compression } from '../../src/protocol/records/index.js';
import { DataPlane } from '../../src/server/data-plane.js';
import { brokerOptions, freshDirectory } from '../support/broker.js';

test('a completion that cannot be settled is told of, and keeps none of the others from those who wait', async () => {
  const logged: string[] = [];
  const logger = { ...silentLogger, error: (fields: object): void => void logged.push((fields as { error: string }).error.split('\n')[0]!) };
  const plane = new DataPlane({ config: brokerOptions({}, freshDirectory()).config, clock: systemClock, timers: systemTimers, random: seededRandom(1), resolve: systemResolver, logger });
  onTestFinished(() => plane.close());
  const nothing = (native: NativeExchange, cookie: number): void => native.inflate(cookie, Compression.zstd, Buffer.alloc(0), Buffer.alloc(0));
  await new Promise<void>(settled => {
    plane.jobs.start(nothing, () => { throw new Error('a bad day'); });
    plane.jobs.start(nothing, () => settled());
  });
  await plane.jobs.run('and another', nothing);
  expect(logged).toEqual(['Error: a bad day']);
});
