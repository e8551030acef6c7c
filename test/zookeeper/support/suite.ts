// What a client may count on, whoever serves. Runs against the embedded server in `npm test` and against Apache's in
// test/interop/zookeeper, so that neither the client nor the embedded server has a ZooKeeper of its own invention.
import { connect as dialRaw } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { ZooKeeperClient } from '../../../src/zookeeper/client/client.js';
import { CREATOR_ACL, OPEN_ACL, Perms, WORLD_READ_ACL, ZkError, type Op } from '../../../src/zookeeper/types.js';
import { bytes, codeOf, connected, makeClient, nextChange, reached, stoppedClock, system, text, watching, type ClientOptions } from './kit.js';
import { Network } from './network.js';

export interface Target {
  /** `host:port` */
  readonly address: () => string;
  /** A session this short expires when `timePasses`, one of the other length does not. */
  readonly shortSessionMs: number;
  readonly longSessionMs: number;
  readonly timePasses: () => Promise<void> | void;
}

let roots = 0;

export function zooKeeperSuite(name: string, target: Target): void {
  /** A client whose world is a chroot of its own. */
  async function inNewWorld(options: ClientOptions = {}): Promise<{ zk: ZooKeeperClient; world: string }> {
    const world = `${target.address()}/world-${process.pid}-${roots++}`;
    const zk = await connected(world, { sessionTimeoutMs: target.longSessionMs, ...options });
    await zk.ensureChroot();
    return { zk, world };
  }

  const anotherIn = (world: string, options: ClientOptions = {}): Promise<ZooKeeperClient> =>
    connected(world, { sessionTimeoutMs: target.longSessionMs, ...options });

  describe(`${name}: nodes`, () => {
    test('a node is what was written into it, and counts its changes', async () => {
      const { zk } = await inNewWorld();
      const { path, stat } = await zk.create('/orders', bytes('one'));
      expect(path).toBe('/orders');
      expect(stat).toMatchObject({ version: 0, cversion: 0, aversion: 0, ephemeralOwner: '0x0', dataLength: 3, numChildren: 0 });
      expect(stat.mzxid).toBe(stat.czxid);
      expect(stat.pzxid).toBe(stat.czxid);

      const changed = await zk.setData('/orders', bytes('second'));
      expect(changed).toMatchObject({ version: 1, czxid: stat.czxid, ctime: stat.ctime, dataLength: 6 });
      expect(changed.mzxid).toBeGreaterThan(stat.czxid);
      const read = await zk.getData('/orders');
      expect(text(read.data)).toBe('second');
      expect(read.stat).toEqual(changed);
      expect(await zk.exists('/orders')).toEqual(changed);
      await zk.delete('/orders', 1);
      expect(await zk.exists('/orders')).toBeNull();
    });

    test('no data and empty data are two things', async () => {
      const { zk } = await inNewWorld();
      await zk.create('/null', null);
      await zk.create('/empty', Buffer.alloc(0));
      expect((await zk.getData('/null')).data).toBeNull();
      expect((await zk.getData('/empty')).data).toEqual(Buffer.alloc(0));
    });

    test('a parent counts the coming and going of its children', async () => {
      const { zk } = await inNewWorld();
      await zk.create('/a', null);
      await zk.create('/a/x', null);
      const last = await zk.create('/a/y', null);
      expect(await zk.exists('/a')).toMatchObject({ cversion: 2, numChildren: 2, version: 0, pzxid: last.stat.czxid });
      await zk.delete('/a/x');
      const { children, stat } = await zk.getChildren('/a');
      expect(children).toEqual(['y']);
      expect(stat).toMatchObject({ cversion: 3, numChildren: 1, version: 0 });
      expect(stat.pzxid).toBeGreaterThan(last.stat.czxid);
    });

    test('what cannot be done is refused for its reason', async () => {
      const { zk } = await inNewWorld();
      await zk.create('/a', null);
      await zk.create('/a/b', null);
      await zk.create('/e', null, { mode: 'ephemeral' });
      expect(await codeOf(zk.create('/a', null))).toBe('NODEEXISTS');
      expect(await codeOf(zk.create('/no/parent', null))).toBe('NONODE');
      expect(await codeOf(zk.create('/e/child', null))).toBe('NOCHILDRENFOREPHEMERALS');
      expect(await codeOf(zk.getData('/none'))).toBe('NONODE');
      expect(await codeOf(zk.getChildren('/none'))).toBe('NONODE');
      expect(await codeOf(zk.getAcl('/none'))).toBe('NONODE');
      expect(await codeOf(zk.setData('/none', null))).toBe('NONODE');
      expect(await codeOf(zk.setData('/a', null, 7))).toBe('BADVERSION');
      expect(await codeOf(zk.delete('/a', 7))).toBe('BADVERSION');
      expect(await codeOf(zk.delete('/a'))).toBe('NOTEMPTY');
      expect(await codeOf(zk.delete('/none'))).toBe('NONODE');
      expect(await codeOf(zk.setAcl('/a', OPEN_ACL, 7))).toBe('BADVERSION');
      expect(await codeOf(zk.setAcl('/a', []))).toBe('INVALIDACL');
      expect(await codeOf(zk.setAcl('/a', [{ perms: Perms.all, scheme: 'world', id: 'nobody' }]))).toBe('INVALIDACL');
      expect(await codeOf(zk.create('/b', null, { acl: [{ perms: Perms.all, scheme: 'nonsense', id: 'x' }] }))).toBe('INVALIDACL');
    });

    test('ZooKeeper keeps its own nodes', async () => {
      const zk = await connected(target.address(), { sessionTimeoutMs: target.longSessionMs });
      expect((await zk.getChildren('/zookeeper')).children.sort()).toEqual(['config', 'quota']);
      expect(await codeOf(zk.delete('/zookeeper/quota'))).toBe('BADARGUMENTS');
      expect(await codeOf(zk.delete('/'))).toBe('BADARGUMENTS');
      expect(await codeOf(zk.create('/', null))).toBe('NODEEXISTS');
    });

    test('an error names the path as its caller knows it', async () => {
      const { zk } = await inNewWorld();
      await expect(zk.setData('/none', null)).rejects.toMatchObject({ code: 'NONODE', path: '/none' });
      await expect(zk.multi([{ type: 'delete', path: '/none' }])).rejects.toMatchObject({ code: 'NONODE', path: '/none' });
    });

    test('sequence numbers have ten digits and count what was ever created', async () => {
      const { zk } = await inNewWorld();
      await zk.create('/q', null);
      const first = await zk.create('/q/item-', null, { mode: 'persistentSequential' });
      const second = await zk.create('/q/item-', null, { mode: 'ephemeralSequential' });
      expect([first.path, second.path]).toEqual(['/q/item-0000000000', '/q/item-0000000001']);
      expect(second.stat.ephemeralOwner).toBe(zk.sessionId);
      await zk.delete(first.path);
      await zk.create('/q/plain', null);
      expect((await zk.create('/q/other-', null, { mode: 'persistentSequential' })).path).toBe('/q/other-0000000003');
      expect((await zk.create('/q/', null, { mode: 'persistentSequential' })).path).toBe('/q/0000000004');
    });

    test('a thousand requests at once are answered in their order', async () => {
      const { zk } = await inNewWorld({ maxInFlight: 64 });
      await zk.create('/n', bytes('-1'));
      const writes = Array.from({ length: 500 }, (_, n) => [zk.setData('/n', bytes(String(n)), n), zk.getData('/n')] as const);
      const seen = await Promise.all(writes.map(([, read]) => read));
      expect(seen.map(({ data }) => text(data))).toEqual(Array.from({ length: 500 }, (_, n) => String(n)));
    });

    test('data of close to a megabyte comes back whole', async () => {
      const { zk } = await inNewWorld();
      const large = system.random.bytes(1_000_000);
      await zk.create('/large', large);
      expect((await zk.getData('/large')).data?.equals(large)).toBe(true);
      expect(await codeOf(zk.setData('/large', Buffer.alloc(1_100_000)))).toBe('BADARGUMENTS');
    });

    test('sync comes after what was sent before it', async () => {
      const { zk, world } = await inNewWorld();
      const other = await anotherIn(world);
      await zk.create('/s', bytes('x'));
      await other.sync('/s');
      expect(text((await other.getData('/s')).data)).toBe('x');
    });
  });

  describe(`${name}: multi`, () => {
    test('does everything or nothing', async () => {
      const { zk } = await inNewWorld();
      await zk.create('/epoch', bytes('1'));
      const ops: Op[] = [
        { type: 'check', path: '/epoch', version: 0 },
        { type: 'create', path: '/state', data: bytes('leader') },
        { type: 'setData', path: '/state', data: bytes('new leader'), version: 0 },
        { type: 'create', path: '/state/seq-', data: null, mode: 'ephemeralSequential' },
        { type: 'setData', path: '/epoch', data: bytes('2') },
      ];
      const results = await zk.multi(ops);
      expect(results.map(result => result.type)).toEqual(['check', 'create', 'setData', 'create', 'setData']);
      expect(results[1]).toEqual({ type: 'create', path: '/state' });
      expect(results[3]).toEqual({ type: 'create', path: '/state/seq-0000000000' });
      expect(results[2]).toMatchObject({ stat: { version: 1, dataLength: 10 } });
      const { stat } = await zk.getData('/state');
      expect(await zk.exists('/state/seq-0000000000')).toMatchObject({ czxid: stat.mzxid, ephemeralOwner: zk.sessionId });

      const failure = await zk.multi(ops).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'BADVERSION', path: '/epoch' });
      expect((failure as ZkError).results).toEqual([
        { type: 'error', code: 'BADVERSION' }, ...Array.from({ length: 4 }, () => ({ type: 'error', code: 'RUNTIMEINCONSISTENCY' })),
      ]);
    });

    test('a failure at the end undoes what came before it', async () => {
      const { zk } = await inNewWorld();
      const failure = await zk.multi([
        { type: 'create', path: '/a', data: null },
        { type: 'create', path: '/a/b', data: null },
        { type: 'delete', path: '/a' },
      ]).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'NOTEMPTY', results: [{ code: 'OK' }, { code: 'OK' }, { code: 'NOTEMPTY' }] });
      expect(await zk.exists('/a')).toBeNull();
      expect((await zk.exists('/'))).toMatchObject({ numChildren: 0, cversion: 0 });
    });

    test('sees its own earlier operations', async () => {
      const { zk } = await inNewWorld();
      await zk.multi([
        { type: 'create', path: '/a', data: null },
        { type: 'create', path: '/a/x', data: null },
        { type: 'delete', path: '/a/x' },
        { type: 'create', path: '/a/x', data: bytes('again') },
        { type: 'check', path: '/a/x', version: 0 },
      ]);
      expect(text((await zk.getData('/a/x')).data)).toBe('again');
      expect(await zk.exists('/a')).toMatchObject({ cversion: 3, numChildren: 1 });
    });

    test('of nothing is nothing', async () => {
      const { zk } = await inNewWorld();
      expect(await zk.multi([])).toEqual([]);
    });
  });

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

  describe(`${name}: access`, () => {
    test('what belongs to its creator is closed to others', async () => {
      const { zk: alice, world } = await inNewWorld();
      const bob = await anotherIn(world);
      alice.addAuth('digest', bytes('alice:secret'));
      await alice.create('/hers', bytes('x'), { acl: CREATOR_ACL });
      await alice.create('/shown', bytes('y'), { acl: [...CREATOR_ACL, ...WORLD_READ_ACL] });
      expect(await codeOf(bob.getData('/hers'))).toBe('NOAUTH');
      expect(await codeOf(bob.create('/hers/child', null))).toBe('NOAUTH');
      expect(text((await bob.getData('/shown')).data)).toBe('y');
      expect(await codeOf(bob.setData('/shown', null))).toBe('NOAUTH');
      expect(await codeOf(bob.setAcl('/shown', OPEN_ACL))).toBe('NOAUTH');
      expect(await codeOf(bob.multi([{ type: 'check', path: '/hers', version: 0 }]))).toBe('NOAUTH');
      const { acl, stat } = await alice.getAcl('/hers');
      expect(acl).toEqual([{ perms: Perms.all, scheme: 'digest', id: expect.stringMatching(/^alice:.{28}$/) as string }]);
      expect(stat.aversion).toBe(0);
      expect((await alice.setAcl('/hers', WORLD_READ_ACL, 0)).aversion).toBe(1);
      expect(text((await bob.getData('/hers')).data)).toBe('x');
    });

    test('identities come back before anything else on a new connection', async () => {
      const network = new Network();
      const { zk: alice } = await inNewWorld({ dial: network.dial });
      alice.addAuth('digest', bytes('alice:secret'));
      await alice.create('/hers', bytes('x'), { acl: CREATOR_ACL });
      network.cut();
      await reached(alice, 'disconnected');
      expect(text((await alice.getData('/hers')).data)).toBe('x');
    });

    test('the creator cannot be nobody', async () => {
      const { zk } = await inNewWorld();
      expect(await codeOf(zk.create('/hers', null, { acl: CREATOR_ACL }))).toBe('INVALIDACL');
    });

    test('a scheme nobody knows ends it all', async () => {
      const { zk } = await inNewWorld();
      const ended = reached(zk, 'authFailed');
      zk.addAuth('nonsense', bytes('x'));
      await ended;
      expect(await codeOf(zk.exists('/'))).toBe('AUTHFAILED');
    });
  });

  describe(`${name}: the wire`, () => {
    test('answers ruok', async () => {
      expect((await rawExchange(target.address(), bytes('ruok'))).toString()).toBe('imok');
    });

    test.each([
      ['a negative length', Buffer.from('ffffffff', 'hex')],
      ['a length beyond the limit', Buffer.from('7fffffff00', 'hex')],
      ['a handshake cut short within its packet', Buffer.from('0000000400000000', 'hex')],
    ])('%s ends the connection', async (_, sent) => {
      expect(await rawExchange(target.address(), sent)).toEqual(Buffer.alloc(0));
    });

    test('a client that is still dialing can be closed', async () => {
      const zk = makeClient('127.0.0.1:1', { sessionTimeoutMs: target.longSessionMs });
      const connecting = codeOf(zk.connect());
      await zk.close();
      expect(await connecting).toBe('CLOSED');
    });
  });
}

/** Sends, and reads until the server hangs up. */
export function rawExchange(address: string, sent: Buffer): Promise<Buffer> {
  const [host, port] = address.split(':');
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const socket = dialRaw({ host: host!, port: Number(port) }, () => socket.write(sent));
    // A server that is starting may take a connection and never answer it.
    socket.setTimeout(5000, () => socket.destroy());
    socket.on('data', part => parts.push(part));
    socket.on('error', error => ('code' in error && error.code === 'ECONNRESET' ? undefined : reject(error)));
    socket.on('close', () => resolve(Buffer.concat(parts)));
  });
}

function rawHandshake(address: string, session: bigint, password: Buffer): Promise<Buffer> {
  const packet = Buffer.alloc(4 + 45);
  packet.writeInt32BE(45, 0);
  packet.writeInt32BE(10_000, 16);
  packet.writeBigInt64BE(session, 20);
  packet.writeInt32BE(16, 28);
  password.copy(packet, 32);
  return rawExchange(address, packet);
}
