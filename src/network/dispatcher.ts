// From events to answers: drains what native code gathered, decodes headers, routes, and hands answers back.
//
// Order. Answers leave in request order whatever is done here (native/reactor sees to it). Kafka also *begins* a
// connection's next request only when the last was answered. We keep that for everything but Produce: hot produce
// requests of one connection are in the logs' queues together, in order, which is where pipelining gains its speed. A
// request of another kind that was sent without waiting for such a produce may so be served before its append is done;
// no client can tell from the order of the answers.

import { failure } from '../base/failure.js';
import type { Logger } from '../base/logger.js';
import type { Commands } from '../native/commands.js';
import { EventField, EventKind, type NativeExchange } from '../native/exchange.js';
import { requestHeaderVersion, responseHeaderVersion } from '../protocol/apis.js';
import { Reader } from '../protocol/reader.js';
import { Writer } from '../protocol/writer.js';
import { Connection } from './connection.js';
import type { RequestContext } from './request.js';
import type { ResponseSpace } from './response-space.js';
import { SMALL_FRAME, type HotRequest, type PlainRoute, type Routes } from './route.js';

const API_VERSIONS = 18;
/** Rounds of poll() before timers and the rest of the event loop get their turn. Native code wakes us again. */
const ROUNDS = 4;

export interface DispatcherOptions {
  readonly native: NativeExchange;
  readonly commands: Commands;
  readonly space: ResponseSpace;
  readonly routes: Routes;
  readonly listeners: readonly string[];
  readonly logger: Logger;
  /** Calls back a moment later: answers that found no room are tried again then. */
  readonly soon: (retry: () => void) => void;
  /** Settles completions of native code: called with their number before the requests of the same poll. */
  readonly settle: (count: number) => void;
  /** Everything that has gathered is served, and commands are not handed over yet. True: it led to more, which may have gathered something new. */
  readonly served: () => boolean;
}

export class Dispatcher {
  readonly #native: NativeExchange;
  readonly #commands: Commands;
  readonly #space: ResponseSpace;
  readonly #routes: Routes;
  readonly #listeners: readonly string[];
  readonly #logger: Logger;
  readonly #settle: (count: number) => void;
  readonly #served: () => boolean;
  readonly #soon: (retry: () => void) => void;
  readonly #connections: (Connection | undefined)[] = [];
  readonly #writer = new Writer(16 * 1024);
  readonly #hot: HotRequest;
  /** Answers the arena had no room for. While there are any, nothing new is served. */
  readonly #unsent: { slot: number; connection: Connection; bytes: Buffer }[] = [];
  /** Until open(): what arrives waits in its connection's queue, charged to the reactor's budget like any request. */
  #held = true;
  #draining = false;
  #retrying = false;

  constructor(options: DispatcherOptions) {
    this.#native = options.native;
    this.#commands = options.commands;
    this.#space = options.space;
    this.#routes = options.routes;
    this.#listeners = options.listeners;
    this.#logger = options.logger;
    this.#settle = options.settle;
    this.#served = options.served;
    this.#soon = options.soon;
    const nobody = new Connection(-1, '', () => '');
    this.#hot = { slot: 0, connection: nobody, apiVersion: 0, correlationId: 0, clientId: '', frameStart: 0, bodyStart: 0, end: 0 };
  }

  /** Requests are served from here on, those first that came before. */
  open(): void {
    this.#held = false;
    for (const connection of this.#connections) if (connection !== undefined) this.#serveQueued(connection);
    this.flush();
    // As in done().
    this.drain();
  }

  /** Serves everything that has gathered. Called on each wake. */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    try {
      let settled = false;
      for (let round = 0; round < ROUNDS; round++) {
        const polled = this.#native.poll();
        if (polled === 0) {
          if (round === 0) this.#retryUnsent();
          // Who waited and is answered may have let others in, whose watches were set behind the last look.
          if (this.#served()) continue;
          settled = true;
          break;
        }
        // Completions first: whoever holds the answer of a produce must also find its record.
        this.#settle(Math.floor(polled / 65536));
        this.#retryUnsent();
        this.#serveEvents(polled & 0xffff);
        // Not handed over before the next look: what arrived meanwhile goes along, and each hand-over may wake a thread.
      }
      // A log watched in the last round may have had an append just before: nobody wakes us for that, so look once more.
      if (!settled) {
        this.#served();
        this.#retrySoon();
      }
    } finally {
      this.#draining = false;
      this.#commands.flush();
    }
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Hands over commands given outside a drain, such as an answer after a promise. */
  flush(): void {
    if (!this.#draining) this.#commands.flush();
  }

  #serveEvents(count: number): void {
    const events = this.#native.events;
    for (let index = 0; index < count; index++) {
      const at = index * EventField.size;
      const connectionId = events[at + EventField.connection]!;
      switch (events[at + EventField.kind]) {
        case EventKind.request: {
          const connection = this.#connections[connectionId];
          if (connection !== undefined) this.#arrived(connection, events[at + EventField.slot]!, events[at + EventField.offset]!, events[at + EventField.length]!);
          break;
        }
        case EventKind.opened: {
          const listener = this.#listeners[events[at + EventField.listener]!] ?? '';
          this.#connections[connectionId] = new Connection(connectionId, listener, () => this.#native.peerAddress(connectionId));
          break;
        }
        default:
          this.#closed(connectionId);
      }
    }
  }

  #closed(connectionId: number): void {
    const connection = this.#connections[connectionId];
    if (connection === undefined) return;
    this.#connections[connectionId] = undefined;
    connection.closed = true;
    // What still waits here is never served; native code dropped the slots' answers, not their frames.
    for (let head = connection.queueHead; head < connection.queue.length; head += 3) this.#commands.fail(connection.queue[head]!);
    connection.queue.length = 0;
    connection.queueHead = 0;
    try {
      connection.onClosed?.();
    } catch (error) {
      this.#logger.error({ connection: connectionId, error: failure(error) }, 'a request could not be ended');
    }
  }

  #arrived(connection: Connection, slot: number, offset: number, length: number): void {
    if (connection.busy || this.#held || this.#unsent.length > 0) connection.queue.push(slot, offset, length);
    else this.#serve(connection, slot, offset, length);
  }

  /** The request of `connection` that made it busy is answered: on with what waited. */
  done(connection: Connection): void {
    connection.busy = false;
    const waited = connection.queueHead < connection.queue.length;
    this.#serveQueued(connection);
    this.flush();
    // A fetch among what waited may have begun to watch a log just behind an append that told nobody: look once more.
    if (waited) this.drain();
  }

  #serveQueued(connection: Connection): void {
    const queue = connection.queue;
    while (!connection.busy && !connection.closed && connection.queueHead < queue.length && this.#unsent.length === 0) {
      const head = connection.queueHead;
      connection.queueHead = head + 3;
      this.#serve(connection, queue[head]!, queue[head + 1]!, queue[head + 2]!);
    }
    if (connection.queueHead >= queue.length) {
      queue.length = 0;
      connection.queueHead = 0;
    }
  }

  #serve(connection: Connection, slot: number, offset: number, length: number): void {
    try {
      this.#route(connection, slot, offset, length);
    } catch (error) {
      // An unparsable header or body, or a version out of range: no answer (SocketServer.scala).
      this.#logger.warn({ connection: connection.id, host: connection.host, error: String(error) }, 'closing a connection after a bad request');
      this.#commands.fail(slot);
    }
  }

  #route(connection: Connection, slot: number, offset: number, length: number): void {
    const view = this.#space.view;
    if (length < 8) throw new Error(`request of ${length} bytes`);
    const apiKey = view.getInt16(offset);
    const apiVersion = view.getInt16(offset + 2);
    const route = this.#routes.find(apiKey);
    if (route === undefined) throw new Error(`api key ${apiKey} is not served`);
    if (apiVersion < route.minVersion || apiVersion > route.maxVersion) {
      if (apiKey !== API_VERSIONS || route.kind !== 'plain') throw new Error(`api key ${apiKey} is not served in version ${apiVersion}`);
      this.#answerUnsupportedApiVersions(route, connection, slot, offset, length, apiVersion);
      return;
    }
    if (route.kind === 'hot') {
      const hot = this.#hot;
      hot.slot = slot;
      hot.connection = connection;
      hot.apiVersion = apiVersion;
      hot.correlationId = view.getInt32(offset + 4);
      hot.frameStart = offset;
      hot.end = offset + length;
      hot.bodyStart = this.#readClientId(connection, offset + 8, hot.end, apiVersion >= route.flexibleFrom);
      hot.clientId = connection.clientId;
      if (!route.serve(hot)) connection.busy = true;
      return;
    }
    this.#servePlain(route, connection, slot, offset, length, apiKey, apiVersion);
  }

  #servePlain(route: PlainRoute, connection: Connection, slot: number, offset: number, length: number, apiKey: number, apiVersion: number): void {
    // A copy, so that a request that waits for minutes (a join) holds its own bytes and no slab.
    const frame = Buffer.from(this.#space.bytes.subarray(offset, offset + length));
    // A large one stays charged to the budget until it is answered, so that the copies have its bound too.
    if (length <= SMALL_FRAME) this.#commands.releaseFrame(slot);
    const correlationId = frame.readInt32BE(4);
    const headerVersion = requestHeaderVersion(route.api, apiVersion);
    // Header version 0 has no client id.
    const bare = headerVersion === 0;
    const start = bare ? 8 : this.#readClientIdOf(connection, frame, 8, length, headerVersion >= 2);
    const reader = new Reader(frame, start, length);
    const request = route.request.decode(reader, apiVersion);
    const context: RequestContext = { apiKey, apiVersion, clientId: bare ? '' : connection.clientId, connection };
    let answer: object | Promise<object>;
    try {
      answer = route.handle(request, context);
    } catch (error) {
      this.#refuse(route, request, error, context, connection, slot, correlationId);
      return;
    }
    if (!(answer instanceof Promise)) {
      this.#answer(route, answer, connection, slot, apiVersion, correlationId);
      return;
    }
    connection.busy = true;
    answer.then(
      message => this.#answer(route, message, connection, slot, apiVersion, correlationId),
    ).catch((error: unknown) => this.#refuse(route, request, error, context, connection, slot, correlationId))
      .catch((error: unknown) => {
        this.#logger.error({ connection: connection.id, error: failure(error) }, 'closing a connection: its request failed');
        this.#commands.fail(slot);
      })
      .finally(() => this.done(connection));
  }

  #refuse(route: PlainRoute, request: object, error: unknown, context: RequestContext, connection: Connection, slot: number, correlationId: number): void {
    const answer = route.refuse(request, error, context);
    if (answer === undefined) this.#commands.fail(slot);
    else this.#answer(route, answer, connection, slot, context.apiVersion, correlationId);
  }

  #answer(route: PlainRoute, message: object, connection: Connection, slot: number, apiVersion: number, correlationId: number): void {
    this.#send(connection, slot, correlationId, responseHeaderVersion(route.api, apiVersion) >= 1, writer => route.response.encode(writer, message, apiVersion));
  }

  /** Its header must be whole all the same, in the form that the newest version has, or the oldest for versions below 0. */
  #answerUnsupportedApiVersions({ api }: PlainRoute, connection: Connection, slot: number, offset: number, length: number, apiVersion: number): void {
    this.#readClientId(connection, offset + 8, offset + length, requestHeaderVersion(api, apiVersion) >= 2);
    const correlationId = this.#space.view.getInt32(offset + 4);
    const context: RequestContext = { apiKey: API_VERSIONS, apiVersion, clientId: connection.clientId, connection };
    const { response, message } = this.#routes.unsupportedApiVersions(context);
    this.#send(connection, slot, correlationId, false, writer => response.encode(writer, message, 0));
  }

  #send(connection: Connection, slot: number, correlationId: number, flexibleHeader: boolean, encode: (writer: Writer) => void): void {
    const writer = this.#writer;
    writer.reset();
    writer.writeInt32(0);
    writer.writeInt32(correlationId);
    if (flexibleHeader) writer.writeUvarint(0);
    encode(writer);
    const bytes = writer.finish();
    bytes.writeInt32BE(bytes.length - 4, 0);
    if (this.#tryRespond(slot, bytes)) return;
    this.#retrySoon();
    this.#unsent.push({ slot, connection, bytes: Buffer.from(bytes) });
  }

  #tryRespond(slot: number, bytes: Buffer): boolean {
    const space = this.#space;
    if (bytes.length <= space.blockBytes) {
      const at = space.reserve(bytes.length);
      if (at < 0) return false;
      bytes.copy(space.bytes, at);
      space.commit(bytes.length);
      this.#commands.respond(slot, at, bytes.length);
      return true;
    }
    const at = space.leaseApart(bytes.length);
    if (at < 0) return false;
    bytes.copy(space.bytes, at);
    this.#commands.respond(slot, at, bytes.length);
    // The command takes its reference at flush; ours may go only after that.
    this.#commands.flush();
    space.release(at);
    return true;
  }

  #retryUnsent(): void {
    const unsent = this.#unsent;
    if (unsent.length === 0) return;
    while (unsent.length > 0 && this.#tryRespond(unsent[0]!.slot, unsent[0]!.bytes)) unsent.shift();
    if (unsent.length > 0) {
      this.#retrySoon();
      return;
    }
    for (const connection of this.#connections) if (connection !== undefined) this.#serveQueued(connection);
  }

  #retrySoon(): void {
    if (this.#retrying) return;
    this.#retrying = true;
    this.#soon(() => {
      this.#retrying = false;
      this.drain();
    });
  }

  #readClientId(connection: Connection, at: number, end: number, flexible: boolean): number {
    return this.#readClientIdOf(connection, this.#space.bytes, at, end, flexible);
  }

  /** Reads a header's client id (and tagged fields) and returns where the body starts. */
  #readClientIdOf(connection: Connection, bytes: Buffer, at: number, end: number, flexible: boolean): number {
    if (at + 2 > end) throw new Error('truncated header');
    const length = bytes.readInt16BE(at);
    let next = at + 2;
    if (length >= 0) {
      if (next + length > end) throw new Error('truncated client id');
      if (!sameBytes(connection.clientIdBytes, bytes, next, length)) {
        connection.clientIdBytes = Uint8Array.prototype.slice.call(bytes, next, next + length);
        connection.clientId = bytes.toString('utf8', next, next + length);
      }
      next += length;
    } else {
      connection.clientId = '';
      connection.clientIdBytes = NONE;
    }
    if (!flexible) return next;
    if (next < end && bytes[next] === 0) return next + 1;
    const reader = new Reader(bytes, next, end);
    for (let left = reader.readUvarint(); left > 0; left--) {
      reader.readUvarint();
      const size = reader.readUvarint();
      reader.skip(size);
    }
    return reader.position;
  }
}

const NONE = new Uint8Array(0);

function sameBytes(known: Uint8Array, bytes: Uint8Array, at: number, length: number): boolean {
  if (known.length !== length) return false;
  for (let index = 0; index < length; index++) if (known[index] !== bytes[at + index]) return false;
  return true;
}
