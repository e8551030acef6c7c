// The embedded server and those who mean it no good, or just do not read what they asked for.
import { connect, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { seededRandom, systemRandom } from '../../src/base/random.js';
import { OpCode } from '../../src/zookeeper/jute/records.js';
import { frame, type JuteWriter } from '../../src/zookeeper/jute/writer.js';
import { OPEN_ACL, Perms } from '../../src/zookeeper/types.js';
import { until } from '../support/broker.js';
import { bytes, codeOf, connected, embedded, text, watching } from './support/kit.js';
import { dump } from './support/workload.js';
import { rawExchange } from './support/wire.js';
import { FaultyStorage } from './support/faulty-storage.js';
import { ManualTime } from './support/manual-time.js';

const hello = (lastZxid = 0): Buffer => frame(writer => writer.int32(0).int64(lastZxid).int32(10_000).long(0n).buffer(Buffer.alloc(16)).bool(false));
const request = (xid: number, op: number, body: (writer: JuteWriter) => void): Buffer => frame(writer => body(writer.int32(xid).int32(op)));

function raw(port: number): Socket {
  const socket = connect({ host: '127.0.0.1', port });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  return socket;
}

const closed = (socket: Socket): Promise<void> => new Promise(resolve => socket.once('close', () => resolve()));

describe('hostile packets', () => {
  test.each<[string, Buffer]>([
    ['garbage instead of a request', Buffer.from('0000000401020304', 'hex')],
    ['a path longer than its packet', request(1, OpCode.getData, writer => writer.int32(1000))],
    ['a negative path', request(1, OpCode.getData, writer => writer.int32(-5))],
    ['a vector of two billion', request(1, OpCode.setWatches, writer => writer.int64(0).int32(0x7fffffff))],
    ['a multi that does not end', request(1, OpCode.multi, writer => writer.int32(1).bool(false).int32(-1))],
    ['a multi of unknown operations', request(1, OpCode.multi, writer => writer.int32(77).bool(false).int32(-1))],
    ['a packet beyond the limit', Buffer.from('00100000', 'hex')],
  ])('%s ends the connection and nothing else', async (_, packet) => {
    const server = await embedded();
    const zk = await connected(server.connect);
    await zk.create('/a', bytes('x'));
    const socket = raw(server.port);
    socket.write(Buffer.concat([hello(), packet]));
    socket.resume();
    await closed(socket);
    expect(text((await zk.getData('/a')).data)).toBe('x');
  });

  test('random bytes, whole or flipped, never more than that', async () => {
    const seed = Number(process.env['SEED'] ?? systemRandom.int(1 << 30));
    const random = seededRandom(seed);
    const server = await embedded();
    const zk = await connected(server.connect);
    await zk.create('/a', bytes('x'));
    const honest = [
      request(1, OpCode.create2, writer => writer.string('/b').buffer(bytes('y')).int32(1).int32(31).string('world').string('anyone').int32(0)),
      request(2, OpCode.setWatches2, writer => writer.int64(0).int32(1).string('/a').int32(0).int32(0).int32(0).int32(0)),
      request(3, OpCode.multi, writer => writer.int32(2).bool(false).int32(-1).string('/none').int32(-1).int32(-1).bool(true).int32(-1)),
      request(4, OpCode.getAcl, writer => writer.string('/a')),
    ];
    for (let round = 0; round < 200; round++) {
      const packet = Buffer.from(honest[random.int(honest.length)]!);
      // The length stays, so that what is inside is looked at.
      for (let flips = 1 + random.int(6); flips > 0; flips--) packet[4 + random.int(packet.length - 4)] = random.int(256);
      await new Promise<void>(resolve => {
        const socket = raw(server.port);
        socket.on('close', () => resolve());
        socket.resume();
        socket.end(Buffer.concat([hello(), random.int(4) === 0 ? random.bytes(50) : packet]));
      });
      expect(await zk.exists('/a'), `seed ${seed}, round ${round}`).not.toBeNull();
    }
  });

  test('a client from a future this server has not seen is refused', async () => {
    const server = await embedded();
    const socket = raw(server.port);
    socket.write(hello(1_000_000));
    socket.resume();
    await closed(socket);
    expect(socket.bytesRead).toBe(0);
  });

  test('operations it does not have are answered so', async () => {
    const server = await embedded();
    const socket = raw(server.port);
    const answers: Buffer[] = [];
    socket.on('data', part => answers.push(part));
    socket.write(Buffer.concat([hello(), request(7, OpCode.addWatch, writer => writer.string('/').int32(0)), request(8, OpCode.closeSession, () => {})]));
    await closed(socket);
    const answer = Buffer.concat(answers).subarray(4 + 37);
    expect([answer.readInt32BE(4), answer.readInt32BE(16)]).toEqual([7, -6]);
  });

  test('who says nothing at all is not waited for', async () => {
    const time = new ManualTime();
    const server = await embedded({ clock: time, timers: time });
    const socket = raw(server.port);
    await new Promise(resolve => socket.once('connect', resolve));
    const other = await connected(server.connect);
    await other.exists('/');
    time.advance(4000);
    await closed(socket);
  });
});

describe('memory', () => {
  test('who does not read its answers is not read from', async () => {
    const server = await embedded();
    const zk = await connected(server.connect);
    await zk.create('/large', Buffer.alloc(500_000));
    const socket = raw(server.port);
    socket.pause();
    socket.write(hello());
    const asking = Array.from({ length: 2000 }, (_, n) => request(n + 1, OpCode.getData, writer => writer.string('/large').bool(false)));
    const before = process.memoryUsage().arrayBuffers;
    socket.write(Buffer.concat(asking));
    for (let n = 0; n < 50; n++) await zk.exists('/large');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100 * 1024 * 1024);
  });

  test('who asks for much at once, and reads it, gets it all', async () => {
    const server = await embedded();
    const zk = await connected(server.connect);
    await zk.create('/large', Buffer.alloc(500_000));
    const answers = await Promise.all(Array.from({ length: 60 }, () => zk.getData('/large')));
    expect(answers.every(({ data }) => data?.length === 500_000)).toBe(true);
    // While the disk has them wait, too.
    const mixed = await Promise.all(Array.from({ length: 30 }, (_, n) => [zk.setData('/large', Buffer.alloc(400_000 + n)), zk.getData('/large')] as const).map(([, read]) => read));
    expect(mixed.map(({ data }) => data?.length)).toEqual(Array.from({ length: 30 }, (_, n) => 400_000 + n));
  });

  test('writes beyond what the disk has taken are not read either, and all are done in the end', async () => {
    const storage = new FaultyStorage();
    const server = await embedded({ storage });
    const zk = await connected(server.connect, { maxInFlight: 100_000 });
    await zk.create('/n', null);
    await Promise.all(Array.from({ length: 60 }, () => zk.setData('/n', Buffer.alloc(500_000))));
    expect((await zk.exists('/n'))?.version).toBe(60);
  });
});

/** Lets time pass until the server has found that there is room again. */
function takesWrites({ connect: address }: { readonly connect: string }, time: ManualTime): Promise<void> {
  return until(async () => {
    time.advance(500);
    return (await rawExchange(address, bytes('isro'))).toString() === 'rw';
  });
}

describe('operators', () => {
  test('ask with four letters', async () => {
    const server = await embedded();
    const zk = await connected(server.connect);
    await zk.create('/live', null, { mode: 'ephemeral' });
    const say = async (word: string): Promise<string> => (await rawExchange(server.connect, bytes(word))).toString();
    expect(await say('srvr')).toMatch(/^Zookeeper version: .*\n(.*\n)*Zxid: 0x2\nMode: standalone\nNode count: 5\n$/);
    expect(await say('stat')).toContain('Node count: 5');
    expect(await say('mntr')).toMatch(/zk_ephemerals_count\t1\n/);
    expect(await say('isro')).toBe('rw');
    expect(await say('xxxx')).toBe('');
  });

  test('a directory whose disk fails takes the server down, and says so', async () => {
    const storage = new FaultyStorage();
    let tell: (error: unknown) => void = () => {};
    const failure = new Promise(resolve => (tell = resolve));
    const server = await embedded({ storage, onFailure: error => tell(error) });
    const zk = await connected(server.connect);
    await zk.create('/a', null);
    storage.failAt(1);
    expect(await codeOf(zk.create('/b', null))).toBe('CONNECTIONLOSS');
    expect(await failure).toMatchObject({ code: 'EIO' });
    expect(zk.state).toBe('disconnected');
  });

  test('a full disk refuses writes, and nothing else, until there is room', async () => {
    const storage = new FaultyStorage();
    const time = new ManualTime();
    const server = await embedded({ storage, clock: time, timers: time, onFailure: error => { throw error; } });
    const zk = await connected(server.connect, { sessionTimeoutMs: 40_000 });
    const other = await connected(server.connect, { sessionTimeoutMs: 40_000 });
    await zk.create('/live', bytes('one'), { mode: 'ephemeral' });
    const session = zk.sessionId;
    const watched = watching();
    await other.getData('/live', watched.watcher);
    const created = watching();
    await other.exists('/new', created.watcher);

    storage.fullAt(1);
    // What was on its way may or may not have been done, as far as its client can know. It was not.
    const lost = [zk.setData('/live', bytes('two')), zk.create('/new', null), other.delete('/live'), other.setData('/live', null)].map(codeOf);
    expect(await Promise.all(lost)).toEqual(['CONNECTIONLOSS', 'CONNECTIONLOSS', 'CONNECTIONLOSS', 'CONNECTIONLOSS']);
    expect(text((await other.getData('/live')).data)).toBe('one');
    expect(await zk.exists('/new')).toBeNull();
    for (const refused of [zk.create('/new', null), zk.setData('/live', null), zk.delete('/live'), zk.multi([{ type: 'delete', path: '/live' }]), zk.setAcl('/live', OPEN_ACL)]) {
      expect(await codeOf(refused)).toBe('SYSTEMERROR');
    }
    expect(await codeOf(zk.create('/live', null))).toBe('NODEEXISTS');
    expect((await rawExchange(server.connect, bytes('isro'))).toString()).toBe('ro');
    const leaving = await connected(server.connect);
    await leaving.close();
    expect([watched.events, created.events]).toEqual([[], []]);
    // Nobody's end can be written down, so nobody's session ends.
    time.advance(41_000);
    expect(zk.sessionId).toBe(session);
    expect((await other.exists('/live'))?.ephemeralOwner).toBe(session);

    const late = await connected(server.connect, { sessionTimeoutMs: 40_000 });
    expect(text((await late.getData('/live')).data)).toBe('one');

    storage.makeRoom();
    await takesWrites(server, time);
    await late.create('/late', null, { mode: 'ephemeral' });
    await zk.setData('/live', bytes('three'));
    await zk.create('/new', null);
    expect([await watched.next, await created.next]).toEqual([{ type: 'dataChanged', path: '/live' }, { type: 'created', path: '/new' }]);

    // All of it is in the log, the session that was opened without room included.
    const before = await dump(zk);
    await server.close();
    const again = await embedded({ storage, clock: time, timers: time, port: server.port });
    expect(again.port).toBe(server.port);
    expect(await dump(zk)).toEqual(before);
    expect((await late.exists('/late'))?.ephemeralOwner).toBe(late.sessionId);
  });

  test('a session that ends as the disk fills up ends once there is room', async () => {
    const storage = new FaultyStorage();
    const time = new ManualTime();
    const server = await embedded({ storage, clock: time, timers: time });
    const zk = await connected(server.connect, { sessionTimeoutMs: 40_000 });
    const other = await connected(server.connect, { sessionTimeoutMs: 40_000 });
    await zk.create('/live', null, { mode: 'ephemeral' });
    storage.fullAt(1);
    await zk.close();
    expect(await other.exists('/live')).not.toBeNull();
    storage.makeRoom();
    const gone = watching();
    await other.exists('/live', gone.watcher);
    await takesWrites(server, time);
    time.advance(30_000);
    await other.exists('/live');
    time.advance(10_001);
    expect(await gone.next).toEqual({ type: 'deleted', path: '/live' });
  });
});

describe('sessions', () => {
  test('last between twice and twenty times the tick', async () => {
    const time = new ManualTime();
    const server = await embedded({ clock: time, timers: time, tickTimeMs: 1000 });
    const observer = await connected(server.connect, { sessionTimeoutMs: 1_000_000 });
    const short = await connected(server.connect, { sessionTimeoutMs: 1 });
    await short.create('/short', null, { mode: 'ephemeral' });
    time.advance(1999);
    expect(await observer.exists('/short')).not.toBeNull();
    time.advance(3);
    expect(await observer.exists('/short')).toBeNull();
    time.advance(19_990);
    expect(observer.state).toBe('connected');
  });

  test('addresses are identities too', async () => {
    const server = await embedded();
    const zk = await connected(server.connect);
    await zk.create('/here', bytes('x'), { acl: [{ perms: Perms.all, scheme: 'ip', id: '127.0.0.0/8' }] });
    await zk.create('/there', bytes('x'), { acl: [{ perms: Perms.all, scheme: 'ip', id: '10.1.2.3' }] });
    expect(text((await zk.getData('/here')).data)).toBe('x');
    expect(await codeOf(zk.getData('/there'))).toBe('NOAUTH');
    expect(await codeOf(zk.create('/no', null, { acl: [{ perms: 31, scheme: 'ip', id: '1.2.3' }] }))).toBe('INVALIDACL');
  });

  test('two servers in one process know nothing of each other', async () => {
    const [one, two] = [await embedded(), await embedded()];
    const [first, second] = [await connected(one.connect), await connected(two.connect)];
    await first.create('/a', null);
    expect(await second.exists('/a')).toBeNull();
  });
});
