import { describe, expect, test } from 'vitest';
import { bytes, codeOf, nextChange, reached, stoppedClock, text, watching } from './kit.js';
import { Network } from './network.js';
import { rawHandshake } from './wire.js';
import type { Worlds } from './worlds.js';

/** What a client may count on over time, whoever serves: to be told, to be taken for alive, and not beyond that. */
export function sessionSuite({ name, target, inNewWorld, anotherIn }: Worlds): void {
  describe(`${name}: watches`, () => {
    test('each read arms its own, once', async () => {
      const { zk, world } = await inNewWorld();
      const other = await anotherIn(world);
      await zk.create('/w', null);
      const [data, children, node] = [watching(), watching(), watching()];
      await zk.getData('/w', data.watcher);
      await zk.getChildren('/w', children.watcher);
      await zk.exists('/w', node.watcher);
      await other.create('/w/child', null);
      expect(await children.next).toEqual({ type: 'childrenChanged', path: '/w' });
      await other.setData('/w', bytes('1'));
      expect(await data.next).toEqual({ type: 'dataChanged', path: '/w' });
      expect(await node.next).toEqual({ type: 'dataChanged', path: '/w' });
      await other.setData('/w', bytes('2'));
      await other.create('/w/more', null);
      await zk.sync('/w');
      expect([data.events.length, children.events.length, node.events.length]).toEqual([1, 1, 1]);
    });

    test('exists waits for a node that is not there', async () => {
      const { zk, world } = await inNewWorld();
      const other = await anotherIn(world);
      const { watcher, next } = watching();
      expect(await zk.exists('/later', watcher)).toBeNull();
      await other.create('/later', null);
      expect(await next).toEqual({ type: 'created', path: '/later' });
    });

    test('a deletion tells everyone who watched the node', async () => {
      const { zk, world } = await inNewWorld();
      const other = await anotherIn(world);
      await zk.create('/w', null);
      const [data, children, parent] = [watching(), watching(), watching()];
      await zk.getData('/w', data.watcher);
      await zk.getChildren('/w', children.watcher);
      await zk.getChildren('/', parent.watcher);
      await other.delete('/w');
      expect(await data.next).toEqual({ type: 'deleted', path: '/w' });
      expect(await children.next).toEqual({ type: 'deleted', path: '/w' });
      expect(await parent.next).toEqual({ type: 'childrenChanged', path: '/' });
    });

    test('a failed read arms nothing', async () => {
      const { zk, world } = await inNewWorld();
      const other = await anotherIn(world);
      const { watcher, events } = watching();
      await codeOf(zk.getData('/none', watcher));
      await codeOf(zk.getChildren('/none', watcher));
      await other.create('/none', null);
      await zk.sync('/');
      expect(events).toEqual([]);
    });

    test('the event comes before whoever reads can see the change', async () => {
      const { zk, world } = await inNewWorld();
      const other = await anotherIn(world);
      await zk.create('/w', bytes('0'));
      for (let round = 1; round <= 20; round++) {
        const { watcher, events } = watching();
        await zk.getData('/w', watcher);
        const written = other.setData('/w', bytes(String(round)));
        for (;;) {
          const { data } = await zk.getData('/w');
          if (text(data) !== String(round)) continue;
          expect(events).toHaveLength(1);
          break;
        }
        await written;
      }
    });

    test('a change in a multi fires like any other', async () => {
      const { zk, world } = await inNewWorld();
      const other = await anotherIn(world);
      await zk.create('/w', null);
      const [data, created] = [watching(), watching()];
      await zk.getData('/w', data.watcher);
      await zk.exists('/new', created.watcher);
      await other.multi([{ type: 'setData', path: '/w', data: bytes('x') }, { type: 'create', path: '/new', data: null }]);
      expect((await data.next).type).toBe('dataChanged');
      expect((await created.next).type).toBe('created');
    });
  });

  describe(`${name}: sessions`, () => {
    test('ephemerals go with the session that is closed', async () => {
      const { zk, world } = await inNewWorld();
      const owner = await anotherIn(world);
      const { stat } = await owner.create('/live', null, { mode: 'ephemeral' });
      expect(stat.ephemeralOwner).toBe(owner.sessionId);
      const { watcher, next } = watching();
      await zk.exists('/live', watcher);
      await owner.close();
      expect(await next).toEqual({ type: 'deleted', path: '/live' });
      expect(await codeOf(owner.exists('/live'))).toBe('CLOSED');
    });

    test('a lost connection loses neither session nor watches', async () => {
      const network = new Network();
      const { zk, world } = await inNewWorld({ dial: network.dial });
      const other = await anotherIn(world);
      await zk.create('/mine', null, { mode: 'ephemeral' });
      await zk.create('/parent', null);
      await zk.create('/doomed', null);
      const [data, created, children, deleted, later] = [watching(), watching(), watching(), watching(), watching()];
      await zk.getData('/parent', data.watcher);
      await zk.exists('/absent', created.watcher);
      await zk.getChildren('/parent', children.watcher);
      await zk.getData('/doomed', deleted.watcher);
      await zk.getData('/mine', later.watcher);
      const session = zk.sessionId;

      network.goDown();
      await reached(zk, 'disconnected');
      await other.setData('/parent', bytes('missed'));
      await other.create('/absent', null);
      await other.create('/parent/child', null);
      await other.delete('/doomed');
      const back = nextChange(zk, 'connected');
      network.comeUp();
      await back;

      expect(zk.sessionId).toBe(session);
      expect(await data.next).toEqual({ type: 'dataChanged', path: '/parent' });
      expect(await created.next).toEqual({ type: 'created', path: '/absent' });
      expect(await children.next).toEqual({ type: 'childrenChanged', path: '/parent' });
      expect(await deleted.next).toEqual({ type: 'deleted', path: '/doomed' });
      expect((await zk.exists('/mine'))?.ephemeralOwner).toBe(session);
      await other.setData('/mine', bytes('not missed'));
      expect(await later.next).toEqual({ type: 'dataChanged', path: '/mine' });
    });

    test('watches beyond one packet are armed again too', async () => {
      const network = new Network();
      const { zk, world } = await inNewWorld({ dial: network.dial });
      const other = await anotherIn(world);
      const long = 'x'.repeat(200);
      const watches = Array.from({ length: 2000 }, (_, n) => ({ path: `/${long}-${n}`, ...watching() }));
      await Promise.all(watches.map(({ path, watcher }) => zk.exists(path, watcher)));
      network.cut();
      await nextChange(zk, 'connected');
      await other.create(watches[0]!.path, null);
      await other.create(watches[1999]!.path, null);
      expect((await watches[0]!.next).type).toBe('created');
      expect((await watches[1999]!.next).type).toBe('created');
      expect(watches.filter(({ events }) => events.length > 0)).toHaveLength(2);
    });

    test('what was on its way: reads are asked again, of writes nobody knows', async () => {
      const network = new Network();
      const { zk } = await inNewWorld({ dial: network.dial });
      await zk.create('/r', bytes('x'));
      network.freeze();
      const read = zk.getData('/r');
      const write = codeOf(zk.setData('/r', bytes('y')));
      await new Promise(resolve => setImmediate(resolve));
      network.cut();
      network.thaw();
      expect(await write).toBe('CONNECTIONLOSS');
      expect(text((await read).data)).toMatch(/^[xy]$/);
    });

    test('requests made while no server is there wait for one', async () => {
      const network = new Network();
      const { zk } = await inNewWorld({ dial: network.dial });
      network.goDown();
      await reached(zk, 'disconnected');
      const creating = zk.create('/waited', null);
      network.comeUp();
      expect((await creating).path).toBe('/waited');
    });

    test('a session that was silent for too long is over, and the client is told', async () => {
      const { zk, world } = await inNewWorld();
      const network = new Network();
      const silent = await anotherIn(world, { dial: network.dial, sessionTimeoutMs: target.shortSessionMs, clock: stoppedClock });
      await silent.create('/live', null, { mode: 'ephemeral' });
      const dropped = watching();
      await silent.getData('/live', dropped.watcher);
      const gone = watching();
      await zk.exists('/live', gone.watcher);

      network.freeze();
      await target.timePasses();
      expect(await gone.next).toEqual({ type: 'deleted', path: '/live' });
      const expired = reached(silent, 'expired');
      network.cut();
      network.thaw();
      await expired;
      expect(await codeOf(silent.exists('/live'))).toBe('SESSIONEXPIRED');

      const old = silent.sessionId;
      await silent.reopen();
      expect(silent.sessionId).not.toBe(old);
      await silent.create('/live', null, { mode: 'ephemeral' });
      expect(dropped.events).toEqual([]);
    });

    test('nobody takes a session over without its password', async () => {
      const { zk } = await inNewWorld();
      const id = BigInt(zk.sessionId);
      const answer = await rawHandshake(target.address(), id, Buffer.alloc(16, 1));
      expect(answer.readInt32BE(8)).toBe(0);
      expect(answer.readBigInt64BE(12)).toBe(0n);
      expect((await zk.exists('/'))?.version).toBe(0);
    });
  });
}
