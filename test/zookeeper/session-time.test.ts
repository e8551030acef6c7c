// A session's life by the client's own clock, and what a client does when a server does not do its part.
import { expect, onTestFinished, test } from 'vitest';
import { seededRandom } from '../../src/base/random.js';
import { ZooKeeperClient } from '../../src/zookeeper/client/client.js';
import { nextXid } from '../../src/zookeeper/client/xid.js';
import { OpCode, Xid } from '../../src/zookeeper/jute/records.js';
import { bytes, codeOf, nextChange, reached, text, watching } from './support/kit.js';
import { ManualTime } from './support/manual-time.js';
import { PLAIN_STAT, ScriptedServer, someData, type ScriptedConnection } from './support/scripted-server.js';

const SESSION_MS = 9000;
const THIRD = SESSION_MS / 3;

/** Everything that is ready to happen has happened. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve));
}

function make(): { time: ManualTime; server: ScriptedServer; zk: ZooKeeperClient } {
  const time = new ManualTime();
  const server = new ScriptedServer();
  const zk = new ZooKeeperClient({ connect: 'one:1,two:2', sessionTimeoutMs: SESSION_MS, clock: time, timers: time, random: seededRandom(5), dial: server.dial });
  onTestFinished(async () => {
    const closed = zk.close();
    time.advance(SESSION_MS);
    await closed;
  });
  return { time, server, zk };
}

async function makeConnected(): Promise<ReturnType<typeof make> & { connection: ScriptedConnection }> {
  const { time, server, zk } = make();
  const connecting = zk.connect();
  const connection = await server.accept();
  await connection.handshake();
  connection.welcome(0xabn, SESSION_MS);
  await connecting;
  return { time, server, zk, connection };
}

async function answerPing(connection: ScriptedConnection): Promise<void> {
  expect(await connection.request()).toMatchObject({ xid: Xid.ping, op: OpCode.ping });
  connection.answer(Xid.ping, 0);
  await settled();
}

test('a quiet client pings at every third of its session, and lives as long as it is answered', async () => {
  const { time, zk, connection } = await makeConnected();
  for (let round = 0; round < 10; round++) {
    time.advance(THIRD - 1);
    await settled();
    expect(connection.unread).toBe(0);
    time.advance(1);
    await answerPing(connection);
  }
  expect(zk.state).toBe('connected');
  expect(zk.sessionId).toBe('0xab');
});

test('a server that says nothing is left at two thirds, the session is kept for another one', async () => {
  const { time, server, zk, connection } = await makeConnected();
  time.advance(2 * THIRD + 1);
  await connection.closed;
  expect(zk.state).toBe('disconnected');
  const other = await server.accept();
  expect(other.host).not.toBe(connection.host);
  expect(await other.handshake()).toMatchObject({ session: 0xabn });
  other.welcome(0xabn, SESSION_MS);
  await reached(zk, 'connected');
});

test('when no server has confirmed the session for all its time, it is over', async () => {
  const { time, server, zk, connection } = await makeConnected();
  const waiting = codeOf(zk.create('/a', null));
  server.refuse(true);
  connection.hangUp();
  await reached(zk, 'disconnected');
  const later = codeOf(zk.exists('/b'));
  time.advance(SESSION_MS - 1);
  await settled();
  expect(zk.state).toBe('disconnected');
  time.advance(1);
  expect(zk.state).toBe('expired');
  expect(await waiting).toBe('CONNECTIONLOSS');
  expect(await later).toBe('SESSIONEXPIRED');
  expect(await codeOf(zk.exists('/c'))).toBe('SESSIONEXPIRED');
});

test('the time runs from when the last confirmed request was sent, not from when its answer came', async () => {
  const { time, server, zk, connection } = await makeConnected();
  const read = zk.exists('/a');
  const { xid } = await connection.request();
  time.advance(THIRD - 1);
  connection.answer(xid, 5, 0, PLAIN_STAT);
  await read;
  server.refuse(true);
  connection.hangUp();
  await settled();
  time.advance(2 * THIRD);
  expect(zk.state).toBe('disconnected');
  time.advance(1);
  expect(zk.state).toBe('expired');
});

test('a process that was stopped for too long knows it before it does anything else', async () => {
  const { time, zk, connection } = await makeConnected();
  time.jump(SESSION_MS);
  const refused = codeOf(zk.setData('/controller', null));
  expect(zk.state).toBe('expired');
  expect(await refused).toBe('SESSIONEXPIRED');
  await settled();
  expect(connection.unread).toBe(0);
});

test('a process that was stopped for a while reads what came meanwhile before it judges its server', async () => {
  const { time, zk, connection } = await makeConnected();
  time.advance(THIRD);
  await connection.request();
  time.jump(THIRD + 10);
  // The timers have their turn first, then the sockets.
  time.advance(0);
  connection.answer(Xid.ping, 0);
  await settled();
  time.advance(2);
  expect(zk.state).toBe('connected');
});

test('a session given up by the clock is ended at the server before the next one begins', async () => {
  const { time, server, zk, connection } = await makeConnected();
  server.refuse(true);
  connection.hangUp();
  await settled();
  time.advance(SESSION_MS);
  expect(zk.state).toBe('expired');
  server.refuse(false);
  const reopened = zk.reopen();
  time.advance(1000);
  const burial = await server.accept();
  expect(await burial.handshake()).toMatchObject({ session: 0xabn });
  burial.welcome(0xabn, SESSION_MS);
  const goodbye = await burial.request();
  expect(goodbye.op).toBe(OpCode.closeSession);
  burial.answer(goodbye.xid, 6);
  const next = await server.accept();
  expect(await next.handshake()).toMatchObject({ session: 0n, lastZxid: 0n });
  next.welcome(0xcdn, SESSION_MS);
  await reopened;
  expect(zk.sessionId).toBe('0xcd');
});

test('a server that takes the connection and never answers the handshake is left for the next', async () => {
  const { time, server, zk } = make();
  const connecting = zk.connect();
  const dumb = await server.accept();
  await dumb.handshake();
  time.advance(SESSION_MS / 2);
  await dumb.closed;
  const next = await server.accept();
  expect(next.host).not.toBe(dumb.host);
  next.welcome(1n, SESSION_MS);
  await connecting;
});

test('servers are asked in turn, without a pause in the first round and with growing ones after', async () => {
  const { time, server, zk } = make();
  server.refuse(true);
  const connecting = zk.connect();
  await settled();
  expect(server.dialings).toBe(2);
  for (let tenths = 0; tenths < 600; tenths++) {
    time.advance(100);
    await settled();
  }
  expect(server.dialings).toBeGreaterThan(40);
  expect(server.dialings).toBeLessThan(140);
  server.refuse(false);
  time.advance(1000);
  (await server.accept()).welcome(1n, SESSION_MS);
  await connecting;
});

test('after a reconnect come identities, then watches, then what waited', async () => {
  const { server, zk, connection } = await makeConnected();
  zk.addAuth('digest', bytes('user:password'));
  connection.answer((await connection.request()).xid, 0);
  const { watcher } = watching();
  const armed = zk.getData('/w', watcher);
  connection.answer((await connection.request()).xid, 77, 0, someData('x'));
  await armed;
  connection.hangUp();
  await reached(zk, 'disconnected');
  const created = zk.create('/a', null);
  const again = await server.accept();
  expect(await again.handshake()).toMatchObject({ session: 0xabn, lastZxid: 77n });
  again.welcome(0xabn, SESSION_MS);
  const [auth, watches, request] = [await again.request(), await again.request(), await again.request()];
  expect([auth.op, watches.op, request.op]).toEqual([OpCode.auth, OpCode.setWatches, OpCode.create2]);
  expect([auth.xid, watches.xid]).toEqual([Xid.auth, Xid.setWatches]);
  expect(watches.body.readBigInt64BE(0)).toBe(77n);
  again.answer(request.xid, 78, 0, Buffer.concat([Buffer.from([0, 0, 0, 2]), bytes('/a'), PLAIN_STAT]));
  expect((await created).path).toBe('/a');
});

test('many watches are armed again in packets that every server takes', async () => {
  const { server, zk, connection } = await makeConnected();
  const { watcher } = watching();
  const paths = Array.from({ length: 3000 }, (_, n) => `/${'x'.repeat(100)}${n}`);
  const armed = Promise.all(paths.map(path => zk.exists(path, watcher)));
  for (let left = paths.length; left > 0; left--) connection.answer((await connection.request()).xid, 9, -101);
  await armed;
  connection.hangUp();
  const again = await server.accept();
  await again.handshake();
  again.welcome(0xabn, SESSION_MS);
  let count = 0;
  while (count < paths.length) {
    const { op, body } = await again.request();
    expect(op).toBe(OpCode.setWatches);
    expect(body.length).toBeLessThan(130 * 1024);
    count += body.readInt32BE(12);
  }
  expect(count).toBe(paths.length);
});

test('a session that expired at the server is told when the client comes back', async () => {
  const { server, zk, connection } = await makeConnected();
  connection.hangUp();
  const again = await server.accept();
  await again.handshake();
  again.welcome(0n, 0);
  await reached(zk, 'expired');
  const reopened = zk.reopen();
  const next = await server.accept();
  expect(await next.handshake()).toMatchObject({ session: 0n });
  next.welcome(2n, SESSION_MS);
  await reopened;
});

test('an answer to another question ends the connection, not the session', async () => {
  const { server, zk, connection } = await makeConnected();
  const read = zk.getData('/a');
  const { xid } = await connection.request();
  connection.answer(xid + 1, 1, 0, someData('wrong'));
  await connection.closed;
  const again = await server.accept();
  await again.handshake();
  again.welcome(0xabn, SESSION_MS);
  again.answer((await again.request()).xid, 1, 0, someData('right'));
  expect(text((await read).data)).toBe('right');
});

test.each([
  ['cut short', (xid: number): Buffer => Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from([0, 0, 0, xid]), Buffer.alloc(12), Buffer.from([0, 0, 0, 9]), Buffer.alloc(4)])],
  ['with a negative length', (xid: number): Buffer => Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from([0, 0, 0, xid]), Buffer.alloc(12), Buffer.from([0xff, 0, 0, 0]), Buffer.alloc(4)])],
])('an answer %s fails its request and ends the connection', async (_, garbage) => {
  const { zk, connection } = await makeConnected();
  const read = codeOf(zk.getData('/a'));
  connection.raw(garbage((await connection.request()).xid));
  expect(await read).toBe('MARSHALLINGERROR');
  await connection.closed;
});

test('a read that loses every connection it is sent on is given up', async () => {
  const { time, server, zk, connection } = await makeConnected();
  const read = codeOf(zk.getData('/too-large'));
  await connection.request();
  connection.raw(Buffer.from('7fffffff', 'hex'));
  for (let more = 0; more < 2; more++) {
    time.advance(2000);
    await settled();
    const again = await server.accept();
    await again.handshake();
    again.welcome(0xabn, SESSION_MS);
    await again.request();
    again.raw(Buffer.from('7fffffff', 'hex'));
    await again.closed;
  }
  expect(await read).toBe('CONNECTIONLOSS');
});

test('close says goodbye, and does not wait for ever for the answer', async () => {
  const { time, zk, connection } = await makeConnected();
  const pending = codeOf(zk.exists('/a'));
  await connection.request();
  const closed = zk.close();
  expect(await pending).toBe('CLOSED');
  expect((await connection.request()).op).toBe(OpCode.closeSession);
  await settled();
  time.advance(THIRD);
  await closed;
  await connection.closed;
});

test('a listener that reopens at once gets the new session', async () => {
  const { server, zk, connection } = await makeConnected();
  zk.onState(state => {
    if (state === 'expired') void zk.reopen();
  });
  const again = nextChange(zk, 'connected');
  connection.hangUp();
  const refused = await server.accept();
  await refused.handshake();
  refused.welcome(0n, 0);
  const next = await server.accept();
  await next.handshake();
  next.welcome(3n, SESSION_MS);
  await again;
  expect(zk.sessionId).toBe('0x3');
});

test('a listener that closes at once ends the session properly', async () => {
  const { server, zk, connection } = await makeConnected();
  let closed: Promise<void> | undefined;
  zk.onState(state => {
    if (state === 'connected') closed = zk.close();
  });
  connection.hangUp();
  const again = await server.accept();
  await again.handshake();
  again.welcome(0xabn, SESSION_MS);
  const goodbye = await again.request();
  expect(goodbye.op).toBe(OpCode.closeSession);
  again.answer(goodbye.xid, 1);
  await closed;
  expect(zk.state).toBe('closed');
});

test('a listener that throws harms nobody', async () => {
  const { server, zk, connection } = await makeConnected();
  zk.onState(() => {
    throw new Error('a bug of the listener');
  });
  connection.hangUp();
  const again = await server.accept();
  await again.handshake();
  again.welcome(0xabn, SESSION_MS);
  await reached(zk, 'connected');
});

test('request numbers begin again before they turn negative', () => {
  expect(nextXid(0)).toBe(1);
  expect(nextXid(0x7ffffffd)).toBe(0x7ffffffe);
  expect(nextXid(0x7ffffffe)).toBe(1);
});
