import { expect, test } from 'vitest';
import { silentLogger } from '../../src/base/logger.js';
import { seededRandom } from '../../src/base/random.js';
import { PeerDisconnected, PeerTimeout, PeerUnsupported, type RawAnswer } from '../../src/network/peer-channel.js';
import { PeerClient, type PeerClientOptions } from '../../src/network/peer-client.js';
import { FetchRequest, LeaderAndIsrRequest, MetadataRequest, SaslHandshakeRequest, UpdateMetadataRequest, type MetadataResponse, type SaslHandshakeResponse, type UpdateMetadataRequest as UpdateMetadata } from '../../src/protocol/messages.js';
import { ManualTime } from '../zookeeper/support/manual-time.js';
import { FakeWire, versionsAnswer } from './support/fake-peer.js';

const [FETCH, METADATA, UPDATE_METADATA, API_VERSIONS] = [1, 3, 6, 18];
const SERVED = { [FETCH]: [0, 17], [METADATA]: [0, 12], [UPDATE_METADATA]: [0, 8], [API_VERSIONS]: [0, 4] } as const;
const HOME = { host: '10.0.0.2', port: 9092, securityProtocol: 0 };

function story(changed: Partial<PeerClientOptions> = {}): { channel: PeerClient; wire: FakeWire; time: ManualTime } {
  const [wire, time] = [new FakeWire(), new ManualTime()];
  const channel = new PeerClient({
    wire, endpoint: () => HOME, clientId: '1', name: 'broker 2', newestVersion: () => undefined, requestTimeoutMs: 1000, connectTimeoutMs: 500,
    backoffMs: 50, backoffMaxMs: 400, maxFrameBytes: 1 << 20, receiveBufferBytes: -1, clock: time, timers: time, random: seededRandom(1), logger: silentLogger,
    ...changed,
  });
  return { channel, wire, time };
}

const metadata = (channel: PeerClient, topic: string): Promise<MetadataResponse> => channel.send<MetadataResponse>(MetadataRequest, { topics: [{ name: topic }] });
/** Everything that was promised has had its turn. */
const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

async function connected(changed: Partial<PeerClientOptions> = {}): Promise<ReturnType<typeof story>> {
  const made = story(changed);
  const first = metadata(made.channel, 'first');
  made.wire.last.connect(SERVED);
  await settled();
  made.wire.last.answer({ clusterId: 'c' });
  await first;
  return made;
}

test('nobody is called before somebody asks; then versions are learned, and the newest that both speak is used', async () => {
  const { channel, wire } = story();
  expect([wire.connections.length, channel.versionOf(METADATA)]).toEqual([0, undefined]);
  const answered = metadata(channel, 'orders');
  expect(wire.last.endpoint).toEqual(HOME);
  expect(channel.isReady).toBe(false);
  wire.last.connect({ ...SERVED, [METADATA]: [0, 9] });
  await settled();
  expect(wire.last.heard.map(({ apiKey, apiVersion, clientId }) => [apiKey, apiVersion, clientId])).toEqual([[API_VERSIONS, 4, '1'], [METADATA, 9, '1']]);
  expect(wire.last.heard[0]!.message).toMatchObject({ clientSoftwareName: 'odradek' });
  wire.last.answer({ clusterId: 'the cluster' });
  expect((await answered).clusterId).toBe('the cluster');
  expect([channel.isReady, channel.versionOf(METADATA), channel.versionOf(99)]).toEqual([true, 9, undefined]);
});

test('the protocol of the cluster, and who asks, may want an older version', async () => {
  const { channel, wire } = await connected({ newestVersion: apiKey => (apiKey === FETCH ? 15 : undefined) });
  expect(channel.versionOf(FETCH)).toBe(15);
  const fetch = channel.send(FetchRequest, {}, { version: 12 });
  expect(wire.last.heard.at(-1)).toMatchObject({ apiKey: FETCH, apiVersion: 12 });
  wire.last.answer({});
  await fetch;
  await expect(channel.send(LeaderAndIsrRequest, {})).rejects.toThrow(PeerUnsupported);
});

test('a peer that knows no such ApiVersions says which it knows', async () => {
  const { channel, wire } = story();
  const answered = metadata(channel, 'orders');
  wire.last.listener.connected();
  wire.last.answer(versionsAnswer({ [API_VERSIONS]: [0, 2] }, 35), wire.last.heard[0], 0);
  await settled();
  expect(wire.last.heard.at(-1)).toMatchObject({ apiKey: API_VERSIONS, apiVersion: 2 });
  wire.last.answer(versionsAnswer(SERVED));
  await settled();
  wire.last.answer({ clusterId: 'c' });
  await answered;
});

test('many are asked at once, and answered in order', async () => {
  const { channel, wire } = await connected();
  const all = ['a', 'b', 'c'].map(topic => metadata(channel, topic));
  for (const request of wire.last.heard.slice(-3)) wire.last.answer({ clusterId: `${(request.message as { topics: { name: string }[] }).topics[0]!.name}!` }, request);
  expect((await Promise.all(all)).map(({ clusterId }) => clusterId)).toEqual(['a!', 'b!', 'c!']);
});

test('an answer to something else ends the connection: nothing on it can be believed', async () => {
  const { channel, wire } = await connected();
  const [one, other] = [metadata(channel, 'a'), metadata(channel, 'b')];
  const failures = Promise.allSettled([one, other]);
  wire.last.answer({ clusterId: 'b!' });
  expect(wire.last.closed).toBe(true);
  expect((await failures).map(each => each.status === 'rejected' && each.reason instanceof PeerDisconnected)).toEqual([true, true]);
  // Its memory is given back all the same.
  expect(wire.last.released).toHaveLength(3);
});

test.each([['too short for a header', Buffer.alloc(3)], ['an answer without a body', Buffer.from([0, 0, 0, 3, 0])]])('%s', async (_story, bytes) => {
  const { channel, wire } = await connected();
  const asked = metadata(channel, 'a');
  asked.catch(() => {});
  if (bytes.length >= 4) bytes.writeInt32BE(wire.last.heard.at(-1)!.correlationId);
  wire.last.answerBytes(bytes);
  await expect(asked).rejects.toThrow();
});

test('no answer in time: the connection ends, for what comes late must not be taken for the next answer', async () => {
  const { channel, wire, time } = await connected();
  const slow = metadata(channel, 'slow');
  time.advance(600);
  const next = metadata(channel, 'next');
  const failures = Promise.allSettled([slow, next]);
  time.advance(400);
  const [first, second] = await failures;
  expect([first.status === 'rejected' && first.reason, second.status === 'rejected' && second.reason]).toEqual([expect.any(PeerTimeout), expect.any(PeerDisconnected)]);
  expect(wire.last.closed).toBe(true);
});

test('a request waits as long as it was given, connecting included', async () => {
  const { channel, time, wire } = story({ connectTimeoutMs: 5000 });
  const asked = channel.send(MetadataRequest, {}, { timeoutMs: 300 });
  const failed = expect(asked).rejects.toThrow(PeerTimeout);
  time.advance(300);
  await failed;
  expect(wire.last.closed).toBe(false);
});

test('a connection that is not to be had fails those who wait; the next who ask wait longer and longer, apart from each other', async () => {
  const { channel, wire, time } = story();
  const waits: number[] = [];
  for (let round = 0; round < 8; round++) {
    const asked = metadata(channel, 'x');
    const failed = expect(asked).rejects.toThrow(PeerDisconnected);
    let waited = 0;
    for (; wire.connections.length === round; waited++) time.advance(1);
    waits.push(waited);
    wire.last.listener.closed('refused');
    await failed;
  }
  expect(waits[0]).toBe(0);
  const expected = [50, 100, 200, 400, 400, 400, 400];
  waits.slice(1).forEach((waited, at) => {
    expect(waited).toBeGreaterThanOrEqual(expected[at]! * 0.8);
    expect(waited).toBeLessThanOrEqual(expected[at]! * 1.2 + 1);
  });
  expect(new Set(waits.slice(4)).size).toBeGreaterThan(1);
});

test('a peer that never accepts, and one that accepts and says nothing', async () => {
  const { channel, wire, time } = story();
  const asked = channel.send(MetadataRequest, {}, { timeoutMs: 10_000 });
  const failed = expect(asked).rejects.toThrow(/no connection within 500 ms/);
  time.advance(500);
  await failed;
  expect(wire.last.closed).toBe(true);
  const again = channel.send(MetadataRequest, {}, { timeoutMs: 10_000 });
  const failedAgain = expect(again).rejects.toThrow(PeerDisconnected);
  time.advance(500);
  wire.last.listener.connected();
  time.advance(1000);
  await failedAgain;
  expect(wire.last.closed).toBe(true);
});

test('what was sent when a connection breaks fails; what waited goes out on the next one, where versions are learned anew', async () => {
  const { channel, wire, time } = await connected();
  const sent = Array.from({ length: 64 }, (_, at) => metadata(channel, `sent ${at}`));
  const waits = metadata(channel, 'waits');
  const failures = Promise.allSettled(sent);
  wire.last.listener.closed('reset');
  expect((await failures).every(each => each.status === 'rejected' && each.reason instanceof PeerDisconnected)).toBe(true);
  time.advance(100);
  expect(wire.connections).toHaveLength(2);
  wire.last.connect({ ...SERVED, [METADATA]: [0, 5] });
  await settled();
  expect(wire.last.heard.at(-1)).toMatchObject({ apiKey: METADATA, apiVersion: 5 });
  wire.last.answer({ clusterId: 'again' });
  expect((await waits).clusterId).toBe('again');
});

test('a broker that moved is called where it is now, and nobody is called where nobody knows', async () => {
  let endpoint: PeerClientOptions['endpoint'] = () => undefined;
  const { channel, wire, time } = story({ endpoint: () => endpoint() });
  await expect(metadata(channel, 'x')).rejects.toThrow(PeerDisconnected);
  expect(wire.connections).toHaveLength(0);
  endpoint = () => ({ ...HOME, port: 9999 });
  void metadata(channel, 'x').catch(() => {});
  time.advance(100);
  expect(wire.last.endpoint.port).toBe(9999);
});

test('who is closed says nothing more, and what waited fails', async () => {
  const { channel, wire } = await connected();
  const asked = metadata(channel, 'x');
  channel.close();
  await expect(asked).rejects.toThrow(PeerDisconnected);
  await expect(metadata(channel, 'y')).rejects.toThrow(PeerDisconnected);
  expect(wire.connections.map(({ closed }) => closed)).toEqual([true]);
  wire.last.answer({ clusterId: 'too late' });
  expect(wire.last.released).toHaveLength(3);
});

test('a raw answer is the body where it lies, and its reader gives it back', async () => {
  const { channel, wire } = await connected();
  const answer = new Promise<RawAnswer>((taken, failed) => channel.sendRaw(FetchRequest, {}, taken, failed));
  const body = Buffer.from('as it came');
  const header = Buffer.alloc(5);
  header.writeInt32BE(wire.last.heard.at(-1)!.correlationId);
  const before = wire.last.released.length;
  wire.last.answerBytes(Buffer.concat([header, body]));
  const { version, bytes, offset, length, release } = await answer;
  expect([version, bytes.toString('utf8', offset, offset + length)]).toEqual([17, 'as it came']);
  expect(wire.last.released).toHaveLength(before);
  release();
  expect(wire.last.released).toHaveLength(before + 1);
});

test('a message that its version cannot carry fails alone', async () => {
  const { channel, wire } = await connected({ newestVersion: () => 0 });
  const bad = channel.send(UpdateMetadataRequest, { isKRaftController: true });
  const good = metadata(channel, 'x');
  await expect(bad).rejects.toThrow(/isKRaftController/);
  wire.last.answer({});
  await good;
});

test('where the arena has no room a request is tried again', async () => {
  const { channel, wire, time } = await connected();
  wire.last.full = true;
  const asked = metadata(channel, 'x');
  const before = wire.last.heard.length;
  time.advance(5);
  wire.last.full = false;
  expect(wire.last.heard).toHaveLength(before);
  time.advance(5);
  expect(wire.last.heard).toHaveLength(before + 1);
  wire.last.answer({ clusterId: 'c' });
  await asked;
});

test('who is to say who he is does so before anything else', async () => {
  const { channel, wire } = story({
    authenticate: async ask => {
      const { errorCode, mechanisms } = await ask<SaslHandshakeResponse>(SaslHandshakeRequest, { mechanism: 'PLAIN' });
      if (errorCode !== 0) throw new Error(`only ${mechanisms.join()}`);
    },
  });
  const asked = metadata(channel, 'x');
  const failed = expect(asked).rejects.toThrow('only SCRAM-SHA-512');
  wire.last.connect({ ...SERVED, 17: [0, 1] });
  await settled();
  expect(wire.last.heard.map(({ apiKey }) => apiKey)).toEqual([API_VERSIONS, 17]);
  wire.last.answer({ errorCode: 33, mechanisms: ['SCRAM-SHA-512'] });
  await failed;
});

test('what is said of very many partitions is encoded in turns, in its place among the others', async () => {
  const { channel, wire, time } = await connected();
  // A clock on which every look lasts.
  let looks = 0;
  const monotonic = time.monotonic.bind(time);
  time.monotonic = () => monotonic() + (looks += 0.5);
  const partitionStates = Array.from({ length: 10_000 }, (_, partitionIndex) => ({ partitionIndex, leader: 1, isr: [1], replicas: [1, 2] }));
  const long = channel.send(UpdateMetadataRequest, { topicStates: [{ topicName: 'many', partitionStates }] });
  const behind = metadata(channel, 'behind');
  const before = wire.last.heard.length;
  let turns = 0;
  for (; wire.last.heard.length < before + 2; turns++) {
    time.advance(0);
    await settled();
  }
  expect(turns).toBeGreaterThan(10);
  const [said, next] = wire.last.heard.slice(-2);
  expect((said!.message as UpdateMetadata).topicStates[0]!.partitionStates.map(({ partitionIndex }) => partitionIndex)).toEqual(partitionStates.map(({ partitionIndex }) => partitionIndex));
  expect(next!.apiKey).toBe(METADATA);
  wire.last.answer({}, said);
  wire.last.answer({}, next);
  await Promise.all([long, behind]);
});
