import { expect, test } from 'vitest';
import { silentLogger } from '../../src/base/logger.js';
import { ConfigChanges } from '../../src/server/config-changes.js';
import { ZkError, type ZooKeeper } from '../../src/zookeeper/types.js';
import { encodeConfigChange } from '../../src/zookeeper/znodes/config.js';
import { settled } from '../coordinator/support/manual-time.js';

const MINUTE = 60_000;

/** /config/changes, and who reads what of it. */
class Notes {
  readonly kept = new Map<string, { data: Buffer; ctime: number }>();
  readonly heard: string[] = [];
  read: string[] = [];
  now = 0;
  #next = 0;
  #watcher: (() => void) | undefined;

  readonly zk = {
    getChildren: async (_path: string, watcher: () => void) => {
      this.#watcher = watcher;
      return { children: [...this.kept.keys()].reverse() };
    },
    getData: async (path: string) => {
      const name = path.slice('/config/changes/'.length);
      this.read.push(name);
      const note = this.kept.get(name);
      if (note === undefined) throw new ZkError('NONODE', path);
      return { data: note.data, stat: { ctime: note.ctime } };
    },
    delete: async (path: string) => { this.kept.delete(path.slice('/config/changes/'.length)); },
  } as unknown as ZooKeeper;

  async listen(): Promise<void> {
    await new ConfigChanges(this.zk, { now: () => this.now, monotonic: () => this.now }, silentLogger, async entity => { this.heard.push(entity); }).start();
  }

  async write(data: Buffer): Promise<void> {
    this.kept.set(`config_change_${String(this.#next++).padStart(10, '0')}`, { data, ctime: this.now });
    this.#watcher?.();
    await settled();
  }
}

test('a change is heard of once, however many stand before it, and old notes are looked at no more than one beyond what goes', async () => {
  const notes = new Notes();
  for (let n = 0; n < 100; n++) await notes.write(encodeConfigChange(`topics/before-${n}`));
  await notes.listen();
  notes.now = 10 * MINUTE;
  for (const topic of ['one', 'two']) {
    notes.read = [];
    await notes.write(encodeConfigChange(`topics/${topic}`));
    expect(notes.heard.at(-1)).toBe(`topics/${topic}`);
    expect(notes.read.length).toBeLessThanOrEqual(2);
  }
  expect(notes.heard).toHaveLength(2);
  // A quarter of an hour after they came, the first go.
  notes.now = 16 * MINUTE;
  await notes.write(encodeConfigChange('topics/three'));
  expect(notes.heard).toHaveLength(3);
  expect(notes.kept.size).toBe(3);
});

test('a note that cannot be read keeps nobody from the next', async () => {
  const notes = new Notes();
  await notes.listen();
  for (const spoilt of ['no JSON', '{"version":9}', '']) await notes.write(Buffer.from(spoilt));
  await notes.write(encodeConfigChange('topics/orders'));
  expect(notes.heard).toEqual(['topics/orders']);
});
