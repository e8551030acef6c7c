// How the embedded server comes up, and what keeps it from it.
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startEmbeddedZooKeeper, type DirectoryLock } from '../../src/zookeeper/server/embedded.js';
import { bytes, connected, embedded, system, temporaryDirectory, text } from './support/kit.js';

/** Locks as the system's are: one holder a path. */
class Locks {
  readonly held = new Set<string>();

  readonly lock = (path: string): DirectoryLock | undefined => {
    if (this.held.has(path)) return undefined;
    this.held.add(path);
    return { release: () => void this.held.delete(path) };
  };
}

test('its directory is held while it runs: a second one does not touch it', async () => {
  const dataDir = temporaryDirectory();
  const { lock, held } = new Locks();
  const first = await embedded({ dataDir, lock });
  const zk = await connected(first.connect);
  await zk.create('/a', bytes('x'));
  expect([...held]).toEqual([join(dataDir, '.lock')]);
  await expect(startEmbeddedZooKeeper({ dataDir, lock, ...system })).rejects.toThrow(/is in use by another process/);
  await zk.create('/b', null);
  await zk.close();
  await first.close();
  expect(held.size).toBe(0);
  const second = await embedded({ dataDir, lock });
  expect(text((await (await connected(second.connect)).getData('/a')).data)).toBe('x');
});

test('a port that is taken is told, and nothing stays behind', async () => {
  const other = createServer();
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void other.close());
  const { lock, held } = new Locks();
  const dataDir = temporaryDirectory();
  await expect(startEmbeddedZooKeeper({ dataDir, lock, port: (other.address() as AddressInfo).port, ...system })).rejects.toThrow(/EADDRINUSE/);
  expect(held.size).toBe(0);
  await embedded({ dataDir, lock });
});

test('the log says where it listens', async () => {
  const said: [object, string][] = [];
  const silent = (): void => {};
  const server = await embedded({ logger: { debug: silent, warn: silent, error: silent, info: (fields, message) => void said.push([fields, message]) } });
  expect(said).toEqual([[{ host: '127.0.0.1', port: server.port }, 'embedded coordination listens']]);
});
