import { describe, expect, test } from 'vitest';
import { CREATOR_ACL, OPEN_ACL, Perms, WORLD_READ_ACL, type ZkError, type Op } from '../../../src/zookeeper/types.js';
import { bytes, codeOf, connected, reached, system, text } from './kit.js';
import { Network } from './network.js';
import type { Worlds } from './worlds.js';

/** What a client may count on of nodes, whoever serves: what they hold, what is done together, who may. */
export function treeSuite({ name, target, inNewWorld, anotherIn }: Worlds): void {
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

    test('answers each change with the node as that change left it, whatever comes after', async () => {
      const { zk } = await inNewWorld();
      await zk.create('/node', null);
      const results = await zk.multi([
        { type: 'setData', path: '/node', data: bytes('one') },
        { type: 'create', path: '/node/child', data: null },
        { type: 'setData', path: '/node', data: bytes('longer') },
        { type: 'delete', path: '/node/child' },
        { type: 'delete', path: '/node' },
      ]);
      expect(results).toMatchObject([
        { stat: { version: 1, dataLength: 3, cversion: 0, numChildren: 0 } }, {},
        { stat: { version: 2, dataLength: 6, cversion: 1, numChildren: 1 } }, {}, {},
      ]);
      expect(await zk.exists('/node')).toBeNull();
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
}
