// A topic's logs are made and removed a few at a time: so many calls to the disk at once would be one long step.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { diskStorage, type Storage } from '../../src/log/storage.js';
import { TestBroker, until } from '../support/broker.js';

/** The real disk, and the most calls of a kind that were under way together. */
function counted(): { storage: Storage; most: Map<string, number> } {
  const [now, most] = [new Map<string, number>(), new Map<string, number>()];
  const storage = new Proxy(diskStorage, {
    get: (target, name: keyof Storage) => async (...args: unknown[]) => {
      now.set(name, (now.get(name) ?? 0) + 1);
      most.set(name, Math.max(most.get(name) ?? 0, now.get(name)!));
      try {
        return await (target[name] as (...args: unknown[]) => Promise<unknown>)(...args);
      } finally {
        now.set(name, now.get(name)! - 1);
      }
    },
  });
  return { storage, most };
}

test('logs of one request, and of one deletion, in both directories alike', async () => {
  const { storage, most } = counted();
  const broker = await TestBroker.start({ storage, settings: { 'log.segment.delete.delay.ms': 0 } });
  await broker.restart({ 'log.dirs': ['a', 'b'].map(name => join(broker.dir, name)).join(',') });
  const logs = (): number[] => ['a', 'b'].map(name => readdirSync(join(broker.dir, name)).filter(each => each.startsWith('wide-')).length);
  const client = await broker.client();
  const { topics: [made] } = await client.createTopics({ topics: [{ name: 'wide', numPartitions: 400, replicationFactor: 1 }], timeoutMs: 20_000 });
  expect(made!.errorCode).toBe(0);
  expect(logs()).toEqual([200, 200]);
  expect(most.get('makeDirectory')).toBeGreaterThan(1);
  expect(most.get('makeDirectory')).toBeLessThanOrEqual(64);
  expect((await client.deleteTopics(['wide'])).responses[0]!.errorCode).toBe(0);
  await until(() => logs().every(count => count === 0), 'removed');
  expect(most.get('remove')).toBeLessThanOrEqual(8);
});
