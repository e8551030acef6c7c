import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { silentLogger } from '../../src/base/logger.js';
import { systemTimers } from '../../src/base/timers.js';
import { TurnQueue } from '../../src/base/turn-queue.js';
import type { Commands } from '../../src/native/commands.js';
import { EventField, EventKind, type NativeExchange } from '../../src/native/exchange.js';
import { Dispatcher } from '../../src/network/dispatcher.js';
import type { ResponseSpace } from '../../src/network/response-space.js';
import type { Route } from '../../src/network/route.js';
import { apiByKey } from '../../src/protocol/apis.js';
import { encodeRequestHeader } from '../../src/protocol/headers.js';
import { MetadataRequest, MetadataResponse, UpdateMetadataRequest, UpdateMetadataResponse } from '../../src/protocol/messages.js';
import { Writer } from '../../src/protocol/writer.js';

const SLOT = 77;

test('a handler that fails late, and whose refusal cannot be written either, ends its connection', async () => {
  const api = apiByKey(MetadataRequest.apiKey)!;
  const writer = new Writer();
  encodeRequestHeader(writer, api, 12, 1, 'story');
  MetadataRequest.encode(writer, { topics: null }, 12);
  const bytes = Buffer.from(writer.finish());

  const events = new Int32Array(2 * EventField.size);
  events[EventField.kind] = EventKind.opened;
  events.set([EventKind.request, SLOT, 0, 0, bytes.length], EventField.size);
  let polls = 0;
  const failed = await new Promise<number>(fail => {
    const route = {
      kind: 'plain', api, minVersion: 0, maxVersion: 12, request: MetadataRequest, response: MetadataResponse,
      handle: () => Promise.reject(new Error('late')), refuse: () => { throw new Error('no words'); },
    } as unknown as Route;
    const dispatcher = new Dispatcher({
      native: { events, poll: () => (polls++ === 0 ? 2 : 0), peerAddress: () => '' } as unknown as NativeExchange,
      commands: { fail, releaseFrame: () => {}, flush: () => {} } as unknown as Commands,
      space: { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) } as unknown as ResponseSpace,
      routes: { find: () => route } as never, listeners: ['PLAINTEXT'], logger: silentLogger, soon: () => {}, settle: () => {}, served: () => false, turns: {} as never, peers: {} as never,
    });
    dispatcher.open();
  });
  expect(failed).toBe(SLOT);
});

test('what a remote controller says of very many partitions is decoded in turns, and what came behind it waits', async () => {
  const api = apiByKey(UpdateMetadataRequest.apiKey)!;
  const frame = (partitions: number): Buffer => {
    const writer = new Writer();
    encodeRequestHeader(writer, api, 8, 1, 'the controller');
    UpdateMetadataRequest.encode(writer, { topicStates: [{ topicName: 'many', partitionStates: Array.from({ length: partitions }, () => ({ isr: [1, 2], replicas: [1, 2] })) }] }, 8);
    return Buffer.from(writer.finish());
  };
  const frames = [frame(5000), frame(1)];
  const bytes = Buffer.concat([...frames, Buffer.alloc(1024)]);
  const events = new Int32Array(3 * EventField.size);
  events[EventField.kind] = EventKind.opened;
  let at = 0;
  frames.forEach(({ length }, index) => {
    events.set([EventKind.request, SLOT + index, 0, at, length], (index + 1) * EventField.size);
    at += length;
  });
  // Every look at the clock lasts as long as a turn may.
  let [now, turns, polls] = [0, 0, 0];
  const timers = { ...systemTimers, after: (ms: number, action: () => void) => { turns++; return systemTimers.after(ms, action); } };
  const heard: number[] = [];
  await new Promise<void>(done => {
    const answered: number[] = [];
    const route = {
      kind: 'plain', api, minVersion: 0, maxVersion: 8, request: UpdateMetadataRequest, response: UpdateMetadataResponse,
      handle: (request: UpdateMetadataRequest) => { heard.push(request.topicStates[0]!.partitionStates.length); return {}; }, refuse: () => undefined,
    } as unknown as Route;
    new Dispatcher({
      native: { events, poll: () => (polls++ === 0 ? 3 : 0), peerAddress: () => '' } as unknown as NativeExchange,
      commands: { respond: (slot: number) => { if (answered.push(slot) === 2) done(); }, releaseFrame: () => {}, flush: () => {} } as unknown as Commands,
      space: { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), hand: (_: Buffer, command: (offset: number) => void) => { command(at); return true; } } as unknown as ResponseSpace,
      routes: { find: () => route } as never, listeners: ['PLAINTEXT'], logger: silentLogger, soon: () => {}, settle: () => {}, served: () => false, peers: {} as never,
      turns: new TurnQueue({ ...systemClock, monotonic: () => (now += 1) }, timers),
    }).open();
  });
  expect(heard).toEqual([5000, 1]);
  expect(turns).toBeGreaterThan(20);
});
