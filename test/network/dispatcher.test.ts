import { expect, test } from 'vitest';
import { silentLogger } from '../../src/base/logger.js';
import type { Commands } from '../../src/native/commands.js';
import { EventField, EventKind, type NativeExchange } from '../../src/native/exchange.js';
import { Dispatcher } from '../../src/network/dispatcher.js';
import type { ResponseSpace } from '../../src/network/response-space.js';
import type { Route } from '../../src/network/route.js';
import { apiByKey } from '../../src/protocol/apis.js';
import { encodeRequestHeader } from '../../src/protocol/headers.js';
import { MetadataRequest, MetadataResponse } from '../../src/protocol/messages.js';
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
      routes: { find: () => route } as never, listeners: ['PLAINTEXT'], logger: silentLogger, soon: () => {}, settle: () => {}, served: () => false,
    });
    dispatcher.open();
  });
  expect(failed).toBe(SLOT);
});
