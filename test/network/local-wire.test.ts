import { expect, test } from 'vitest';
import { systemClock, type Clock } from '../../src/base/clock.js';
import { silentLogger } from '../../src/base/logger.js';
import { seededRandom } from '../../src/base/random.js';
import { systemTimers, type Timers } from '../../src/base/timers.js';
import { TurnQueue } from '../../src/base/turn-queue.js';
import type { Commands } from '../../src/native/commands.js';
import type { NativeExchange } from '../../src/native/exchange.js';
import { Dispatcher } from '../../src/network/dispatcher.js';
import { LocalWire } from '../../src/network/local-wire.js';
import { PeerDisconnected } from '../../src/network/peer-channel.js';
import { BrokerPeers } from '../../src/network/peer-channels.js';
import type { RequestContext } from '../../src/network/request.js';
import type { ResponseSpace } from '../../src/network/response-space.js';
import type { PlainRoute } from '../../src/network/route.js';
import { apiByKey } from '../../src/protocol/apis.js';
import type { AnyCodec, MessageCodec } from '../../src/protocol/codec.js';
import { ApiVersionsRequest, ApiVersionsResponse, FetchRequest, MetadataRequest, MetadataResponse, UpdateMetadataRequest, UpdateMetadataResponse, type UpdateMetadataRequestInput } from '../../src/protocol/messages.js';

type Handle = (request: object, context: RequestContext) => object | Promise<object>;

function route(request: AnyCodec, response: AnyCodec, handle: Handle): PlainRoute {
  return { kind: 'plain', api: apiByKey(request.apiKey)!, minVersion: 0, maxVersion: request.maxVersion, request, response, handle, refuse: () => undefined };
}

/** A broker's dispatcher without sockets, and the channels by which the broker reaches itself. */
function oneself(handlers: { readonly updateMetadata?: Handle; readonly metadata?: Handle }, clock: Clock = systemClock): { peers: BrokerPeers; turns: () => number; dispatcher: Dispatcher } {
  let turns = 0;
  const timers: Timers = { ...systemTimers, after: (ms, action) => { if (ms === 0) turns++; return systemTimers.after(ms, action); } };
  const served = [18, 6, 3, 1].map(apiKey => ({ apiKey, minVersion: 0, maxVersion: apiByKey(apiKey)!.request.maxVersion }));
  const never: Handle = () => { throw new Error('not asked for in this story'); };
  const routes = [
    route(ApiVersionsRequest, ApiVersionsResponse, () => ({ errorCode: 0, apiKeys: served })),
    route(UpdateMetadataRequest, UpdateMetadataResponse, handlers.updateMetadata ?? never),
    route(MetadataRequest, MetadataResponse, handlers.metadata ?? never),
  ];
  const dispatcher = new Dispatcher({
    native: { poll: () => 0, peerAddress: () => '' } as unknown as NativeExchange, commands: { flush: () => {} } as unknown as Commands, space: {} as ResponseSpace,
    routes: { find: apiKey => routes.find(each => each.request.apiKey === apiKey), unsupportedApiVersions: () => { throw new Error('not asked for'); } },
    listeners: [], logger: silentLogger, turns: new TurnQueue(clock, timers), peers: {} as never, soon: () => {}, settle: () => {}, served: () => false,
  });
  const peers = new BrokerPeers({
    brokerId: 1, wire: { connect: () => { throw new Error('a socket to oneself'); } }, localWire: new LocalWire(() => dispatcher, 'CONTROL'), endpoint: () => undefined,
    newestVersion: () => undefined, requestTimeoutMs: () => 5000, connectTimeoutMs: 5000, backoffMs: 1, backoffMaxMs: 1, maxFrameBytes: 1000, receiveBufferBytes: -1,
    clock, timers, random: seededRandom(1), logger: silentLogger,
  });
  return { peers, turns: () => turns, dispatcher };
}

test('a broker tells itself as it tells others: by frames, headers and versions, before it is open to anybody', async () => {
  const contexts: RequestContext[] = [];
  const { peers } = oneself({ metadata: (_request, context) => { contexts.push(context); return { clusterId: 'mine' }; } });
  const channel = peers.channel(1, 'controller')!;
  expect(await channel.send(MetadataRequest, {})).toMatchObject({ clusterId: 'mine' });
  expect(contexts[0]).toMatchObject({ apiVersion: 12, clientId: '1', connection: { host: '127.0.0.1', listener: 'CONTROL' } });
  expect(peers.channel(1, 'controller')).toBe(channel);
  expect(peers.channel(2, 'controller')).toBeUndefined();
});

test('requests to oneself begin one after the other', async () => {
  const told: string[] = [];
  const { peers } = oneself({
    metadata: async request => {
      const [{ name }] = (request as { topics: { name: string }[] }).topics as [{ name: string }];
      told.push(`${name} begins`);
      await new Promise(resolve => setImmediate(resolve));
      told.push(`${name} ends`);
      return {};
    },
  });
  const channel = peers.channel(1, 'to-controller')!;
  await Promise.all(['a', 'b'].map(name => channel.send(MetadataRequest, { topics: [{ name }] })));
  expect(told).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
});

test('a request that cannot be answered ends the connection, and the next one has a new one', async () => {
  let broken = true;
  const { peers } = oneself({ metadata: () => { if (broken) throw new Error('broken'); return {}; } });
  const channel = peers.channel(1, 'controller')!;
  await expect(channel.send(MetadataRequest, {})).rejects.toThrow(PeerDisconnected);
  await expect(channel.send(FetchRequest as MessageCodec<unknown, never>, {})).rejects.toThrow(PeerDisconnected);
  broken = false;
  await channel.send(MetadataRequest, {});
});

test('what is said of very many partitions is encoded and decoded in turns, and heard whole', async () => {
  for (const sizes of [[], [0], [3], [201, 0, 5], [150, 100, 1], [1000], Array.from({ length: 1450 }, () => 1)]) {
    const heard: UpdateMetadataRequest[] = [];
    // Every look at the clock lasts, so that every step has a turn of its own.
    let now = 0;
    const { peers, turns } = oneself({ updateMetadata: request => { heard.push(request as UpdateMetadataRequest); return { errorCode: 0 }; } }, { ...systemClock, monotonic: () => (now += 0.5) });
    const message: UpdateMetadataRequestInput = {
      controllerId: 1, controllerEpoch: 7, brokerEpoch: 3,
      topicStates: sizes.map((size, at) => ({ topicName: `t${at}`, topicId: 'bm90LWEtdG9waWMtaWQtMQ', partitionStates: Array.from({ length: size }, (_, partitionIndex) => ({ partitionIndex, leader: 1, isr: [1], replicas: [1, 2] })) })),
      liveBrokers: [{ id: 1, rack: null, endpoints: [] }],
    };
    await peers.channel(1, 'controller')!.send(UpdateMetadataRequest, message, { timeoutMs: 1e9 });
    const [{ topicStates, controllerEpoch, liveBrokers }] = heard as [UpdateMetadataRequest];
    expect(heard).toHaveLength(1);
    expect([controllerEpoch, liveBrokers.length]).toEqual([7, 1]);
    expect(topicStates.map(({ topicName, partitionStates }) => [topicName, partitionStates.map(({ partitionIndex }) => partitionIndex)])).toEqual(sizes.map((size, at) => [`t${at}`, Array.from({ length: size }, (_, index) => index)]));
    const all = sizes.reduce((sum, size) => sum + size, 0);
    if (all >= 1000) expect(turns(), `${all} partitions`).toBeGreaterThan(all / 64 / 4);
  }
});
