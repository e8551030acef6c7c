// The one implementation of PeerChannel: a connection at a time to one broker, made when somebody asks and kept until it
// breaks. What it may use of the protocol it learns by ApiVersions, first on each connection.
//
//   idle --a request waits--> backing off --> connecting --> introducing --> ready --breaks--> idle
//
// What was sent when a connection breaks fails: only who asked knows whether it may be said twice. What waited goes on
// waiting for the next connection, unless that cannot be made.

import { Backoff } from '../base/backoff.js';
import type { Clock } from '../base/clock.js';
import { failure } from '../base/failure.js';
import type { Logger } from '../base/logger.js';
import type { Random } from '../base/random.js';
import type { Timer, Timers } from '../base/timers.js';
import { Turns } from '../base/turns.js';
import { apiByKey } from '../protocol/apis.js';
import type { MessageCodec } from '../protocol/codec.js';
import { decodeResponseHeader, encodeRequestHeader } from '../protocol/headers.js';
import { ApiVersionsRequest, ApiVersionsResponse } from '../protocol/messages.js';
import { Reader } from '../protocol/reader.js';
import { Writer } from '../protocol/writer.js';
import { PeerDisconnected, PeerTimeout, PeerUnsupported, type PeerChannel, type RawAnswer, type SendOptions } from './peer-channel.js';
import { PeerVersions } from './peer-versions.js';
import type { ConnectOptions, PeerConnection, PeerEndpoint, PeerFrame, PeerWire } from './peer-wire.js';

/** Asks something on a connection that is not for everybody yet. */
export type Ask = <Answer>(request: MessageCodec<unknown, never>, message: object) => Promise<Answer>;

export interface PeerClientOptions extends ConnectOptions {
  readonly wire: PeerWire;
  /** Where the broker is now; undefined: nobody knows. */
  readonly endpoint: () => PeerEndpoint | undefined;
  readonly clientId: string;
  /** For log and errors, e.g. "broker 2 (controller)". */
  readonly name: string;
  /** The newest version of an api that inter.broker.protocol.version allows; undefined: any. */
  readonly newestVersion: (apiKey: number) => number | undefined;
  /** Says who we are, before anything else is asked: the seam for SASL. */
  readonly authenticate?: (ask: Ask) => Promise<void>;
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
}

interface Pending {
  readonly request: MessageCodec<unknown, never>;
  readonly message: object;
  readonly taken: (answer: RawAnswer) => void;
  readonly failed: (error: Error) => void;
  readonly deadline: number;
  readonly newest: number | undefined;
  version: number;
  correlationId: number;
}

const MOST_IN_FLIGHT = 64;
/** Far more than anybody has reason to ask at once. */
const MOST_WAITING = 4096;
/** Until a request that the arena had no room for is tried again. */
const RETRY_MS = 5;
/** Answers up to this size are decoded at once, others in turns where their codec can. */
const LONG_ANSWER = 32 * 1024;
const LARGEST_WRITER = 256 * 1024;
const LAST_CORRELATION_ID = 0x7fffffff;
const API_VERSIONS = 18;
const UNSUPPORTED_VERSION = 35;

type State = 'idle' | 'backing off' | 'connecting' | 'introducing' | 'ready' | 'closed';

export class PeerClient implements PeerChannel {
  readonly #options: PeerClientOptions;
  readonly #backoff: Backoff;
  readonly #versions: PeerVersions;
  #state: State = 'idle';
  #connection: PeerConnection | undefined;
  /** Changes with each connection: what a past one still says is for nobody. */
  #life = 0;
  #waiting: Pending[] = [];
  #inFlight: Pending[] = [];
  /** The first of #waiting is being encoded in turns. */
  #encoding = false;
  #writer = new Writer(1024);
  #correlationId = 0;
  #connectNotBefore = 0;
  /** For connecting, or until it may begin. */
  #timer: Timer | undefined;
  #deadlineTimer: Timer | undefined;
  #deadlineAt = Infinity;
  #retry: Timer | undefined;

  constructor(options: PeerClientOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.backoffMs, options.backoffMaxMs, options.random);
    this.#versions = new PeerVersions(options.newestVersion);
  }

  get isReady(): boolean {
    return this.#state === 'ready';
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  versionOf(apiKey: number): number | undefined {
    return this.#versions.of(apiKey);
  }

  send<Answer>(request: MessageCodec<unknown, never>, message: object, options?: SendOptions): Promise<Answer> {
    return new Promise((resolve, reject) => this.sendRaw(request, message, answer => this.#decode(answer, request.apiKey, resolve as (answer: unknown) => void, reject), reject, options));
  }

  sendRaw(request: MessageCodec<unknown, never>, message: object, taken: (answer: RawAnswer) => void, failed: (error: Error) => void, options: SendOptions = {}): void {
    const { timeoutMs = this.#options.requestTimeoutMs, version } = options;
    const pending = this.#pending(request, message, taken, failed, timeoutMs, version);
    if (this.#state === 'closed') return this.#reject(pending, new PeerDisconnected(`${this.#options.name}: the channel is closed`));
    if (this.#waiting.length >= MOST_WAITING) return this.#reject(pending, new PeerDisconnected(`${this.#options.name}: too many requests wait`));
    this.#waiting.push(pending);
    this.#watchDeadline(pending.deadline);
    this.#pump();
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#drop();
    this.#state = 'closed';
    this.#deadlineTimer?.cancel();
    this.#retry?.cancel();
    this.#rejectAll([...this.#takeInFlight(), ...this.#takeWaiting()], new PeerDisconnected(`${this.#options.name}: the channel is closed`));
  }

  #pending(request: MessageCodec<unknown, never>, message: object, taken: (answer: RawAnswer) => void, failed: (error: Error) => void, timeoutMs: number, newest?: number): Pending {
    return { request, message, taken, failed, deadline: this.#options.clock.monotonic() + timeoutMs, newest, version: -1, correlationId: -1 };
  }

  // ---- connecting ----

  #connect(): void {
    const { clock, timers } = this.#options;
    const wait = this.#connectNotBefore - clock.monotonic();
    if (wait > 0) {
      this.#state = 'backing off';
      this.#timer = timers.after(wait, () => this.#dial());
    } else {
      this.#dial();
    }
  }

  #dial(): void {
    const { wire, timers, connectTimeoutMs } = this.#options;
    const endpoint = this.#options.endpoint();
    this.#state = 'connecting';
    const life = ++this.#life;
    if (endpoint === undefined) return this.#unreachable('nobody knows where it is');
    this.#timer = timers.after(connectTimeoutMs, () => this.#unreachable(`no connection within ${connectTimeoutMs} ms`));
    this.#connection = wire.connect(endpoint, this.#options, {
      connected: () => { if (life === this.#life) this.#introduce(life); },
      answered: frame => { if (life === this.#life) this.#answered(frame); else frame.release(); },
      closed: why => {
        if (life !== this.#life) return;
        if (this.#state === 'ready') this.#broke(why);
        else this.#unreachable(why);
      },
    });
  }

  /** Learns what the peer serves and says who we are; the requests that wait have their turn then. */
  #introduce(life: number): void {
    this.#timer?.cancel();
    this.#state = 'introducing';
    const { logger, name, authenticate } = this.#options;
    this.#learnVersions().then(async () => authenticate?.((request, message) => this.#askFirst(request, message))).then(
      () => {
        if (life !== this.#life) return;
        this.#state = 'ready';
        this.#backoff.reset();
        logger.debug({ peer: name }, 'connected to a broker');
        this.#pump();
      },
      (error: unknown) => {
        if (life === this.#life) this.#unreachable(error instanceof Error ? error.message : String(error));
      },
    );
  }

  async #learnVersions(): Promise<void> {
    for (let version = ApiVersionsRequest.maxVersion; ;) {
      const answer = await this.#askApiVersions(version);
      if (answer.errorCode !== UNSUPPORTED_VERSION) {
        if (answer.errorCode !== 0) throw new PeerUnsupported(`ApiVersions was answered with error ${answer.errorCode}`);
        this.#versions.learn(answer.apiKeys);
        return;
      }
      // It says what it does serve (KIP-511).
      const newest = answer.apiKeys.find(({ apiKey }) => apiKey === API_VERSIONS)?.maxVersion ?? 0;
      if (newest >= version) throw new PeerUnsupported('ApiVersions is refused in every version');
      version = newest;
    }
  }

  #askApiVersions(version: number): Promise<ApiVersionsResponse> {
    return this.#askRaw(ApiVersionsRequest, { clientSoftwareName: 'odradek', clientSoftwareVersion: SOFTWARE_VERSION }, version, body => {
      // Of an unknown version the refusal comes in the oldest one.
      const refused = new Reader(body).readInt16() === UNSUPPORTED_VERSION;
      return ApiVersionsResponse.decode(new Reader(body), refused ? 0 : version);
    });
  }

  /** A request of the introduction: ahead of all that waits. */
  #askFirst<Answer>(request: MessageCodec<unknown, never>, message: object): Promise<Answer> {
    const version = this.#versions.of(request.apiKey);
    if (version === undefined) return Promise.reject(new PeerUnsupported(`${this.#options.name} does not serve ${request.name}`));
    const { response } = apiByKey(request.apiKey)!;
    return this.#askRaw(request, message, version, body => response.decode(new Reader(body), version) as Answer);
  }

  #askRaw<Answer>(request: MessageCodec<unknown, never>, message: object, version: number, read: (body: Buffer) => Answer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const taken = ({ bytes, offset, length, release }: RawAnswer): void => {
        try {
          resolve(read(Buffer.from(bytes.subarray(offset, offset + length))));
        } catch (error) {
          reject(error);
        } finally {
          release();
        }
      };
      const pending = this.#pending(request, message, taken, reject, this.#options.requestTimeoutMs);
      this.#begin(pending, version);
      request.encode(this.#writer, message as never, version);
      if (!this.#transmit(pending)) reject(new PeerDisconnected(`${this.#options.name}: no room to ask`));
    });
  }

  /** The connection broke while it was in use. */
  #broke(why: string): void {
    this.#options.logger.info({ peer: this.#options.name, why }, 'the connection to a broker broke');
    this.#drop();
    this.#rejectAll(this.#takeInFlight(), new PeerDisconnected(`${this.#options.name}: ${why}`));
    this.#pump();
  }

  /** There is no connection to be had at present. */
  #unreachable(why: string): void {
    this.#options.logger.info({ peer: this.#options.name, why }, 'a broker cannot be reached');
    this.#drop();
    this.#rejectAll([...this.#takeInFlight(), ...this.#takeWaiting()], new PeerDisconnected(`${this.#options.name}: ${why}`));
  }

  #drop(): void {
    this.#life++;
    this.#timer?.cancel();
    this.#connection?.close();
    this.#connection = undefined;
    this.#encoding = false;
    this.#state = 'idle';
    this.#connectNotBefore = this.#options.clock.monotonic() + this.#backoff.next();
  }

  // ---- asking ----

  #pump(): void {
    if (this.#waiting.length === 0 || this.#encoding) return;
    if (this.#state === 'idle') this.#connect();
    if (this.#state !== 'ready') return;
    while (this.#waiting.length > 0 && this.#inFlight.length < MOST_IN_FLIGHT && !this.#encoding) {
      const pending = this.#waiting[0]!;
      const version = this.#versions.of(pending.request.apiKey, pending.newest);
      if (version === undefined) {
        this.#waiting.shift();
        this.#reject(pending, new PeerUnsupported(`${this.#options.name} does not serve ${pending.request.name} in a version that can be used`));
      } else if (!this.#say(pending, version)) {
        return;
      }
    }
  }

  /** Encodes and sends the first that waits. False: it goes on waiting. */
  #say(pending: Pending, version: number): boolean {
    try {
      this.#begin(pending, version);
      const steps = pending.request.encodeSteps?.(this.#writer, pending.message as never, version);
      if (steps === undefined) {
        pending.request.encode(this.#writer, pending.message as never, version);
      } else {
        const turns = new Turns(this.#options.clock, this.#options.timers);
        while (steps.next().done !== true) {
          if (!turns.isOver) continue;
          this.#sayInTurns(pending, steps, turns);
          return false;
        }
      }
    } catch (error) {
      this.#waiting.shift();
      this.#reject(pending, error as Error);
      return true;
    }
    return this.#sent(pending);
  }

  #sayInTurns(pending: Pending, steps: Generator<undefined, void>, turns: Turns): void {
    const life = this.#life;
    this.#encoding = true;
    const encode = async (): Promise<void> => {
      do await turns.next(); while (life === this.#life && steps.next().done !== true);
    };
    encode().then(() => {
      if (life !== this.#life) return;
      this.#encoding = false;
      // Its time may have run out meanwhile.
      if (this.#waiting[0] === pending) this.#sent(pending);
      this.#pump();
    }, (error: unknown) => {
      if (life !== this.#life) return;
      this.#encoding = false;
      if (this.#waiting[0] === pending) this.#waiting.shift();
      this.#reject(pending, error as Error);
      this.#pump();
    });
  }

  #sent(pending: Pending): boolean {
    if (!this.#transmit(pending)) {
      this.#retry ??= this.#options.timers.after(RETRY_MS, () => {
        this.#retry = undefined;
        this.#pump();
      });
      return false;
    }
    this.#waiting.shift();
    return true;
  }

  #begin(pending: Pending, version: number): void {
    const api = apiByKey(pending.request.apiKey)!;
    this.#correlationId = this.#correlationId === LAST_CORRELATION_ID ? 0 : this.#correlationId + 1;
    pending.version = version;
    pending.correlationId = this.#correlationId;
    // A long request leaves nothing behind.
    if (this.#writer.bytes.length > LARGEST_WRITER) this.#writer = new Writer(1024);
    const writer = this.#writer.reset();
    writer.writeInt32(0);
    encodeRequestHeader(writer, api, version, pending.correlationId, this.#options.clientId);
  }

  #transmit(pending: Pending): boolean {
    const frame = this.#writer.finish();
    frame.writeInt32BE(frame.length - 4, 0);
    if (this.#connection?.send(frame) !== true) return false;
    this.#inFlight.push(pending);
    this.#watchDeadline(pending.deadline);
    return true;
  }

  // ---- answers ----

  #answered(frame: PeerFrame): void {
    const pending = this.#inFlight[0];
    let bodyAt: number;
    try {
      const reader = new Reader(frame.bytes, frame.offset, frame.offset + frame.length);
      const { correlationId } = pending === undefined ? { correlationId: -1 } : decodeResponseHeader(reader, apiByKey(pending.request.apiKey)!, pending.version);
      if (pending === undefined || correlationId !== pending.correlationId) throw new Error(`an answer to ${correlationId}, which was not asked`);
      bodyAt = reader.position;
    } catch (error) {
      frame.release();
      const why = error instanceof Error ? error.message : String(error);
      if (this.#state === 'ready') this.#broke(why);
      else this.#unreachable(why);
      return;
    }
    this.#inFlight.shift();
    this.#call(() => pending.taken({
      version: pending.version, bytes: frame.bytes, offset: bodyAt, length: frame.offset + frame.length - bodyAt, release: () => frame.release(),
    }));
    this.#pump();
  }

  #decode(answer: RawAnswer, apiKey: number, resolve: (answer: unknown) => void, reject: (error: Error) => void): void {
    const { response } = apiByKey(apiKey)!;
    const { version, offset, length } = answer;
    // A copy: strings and bytes of a message may be views on what it was decoded from.
    const body = Buffer.from(answer.bytes.subarray(offset, offset + length));
    answer.release();
    try {
      const reader = new Reader(body);
      if (length <= LONG_ANSWER || response.decodeSteps === undefined) resolve(response.decode(reader, version));
      else this.#decodeInTurns(response.decodeSteps(reader, version)).then(resolve, reject);
    } catch (error) {
      reject(error as Error);
    }
  }

  async #decodeInTurns(steps: Generator<undefined, object>): Promise<object> {
    const turns = new Turns(this.#options.clock, this.#options.timers);
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      await turns.next();
    }
  }

  // ---- failing ----

  #watchDeadline(deadline: number): void {
    if (deadline >= this.#deadlineAt) return;
    this.#deadlineTimer?.cancel();
    this.#deadlineAt = deadline;
    this.#deadlineTimer = this.#options.timers.after(deadline - this.#options.clock.monotonic(), () => this.#deadlineCame());
  }

  #deadlineCame(): void {
    this.#deadlineAt = Infinity;
    this.#deadlineTimer = undefined;
    const now = this.#options.clock.monotonic();
    const isLate = ({ deadline }: Pending): boolean => deadline <= now;
    const timeout = new PeerTimeout(`${this.#options.name}: no answer in time`);
    if (this.#inFlight.some(isLate)) {
      // What comes late must not be taken for the next answer.
      const late = this.#inFlight.filter(isLate);
      this.#inFlight = this.#inFlight.filter(pending => !isLate(pending));
      this.#rejectAll(late, timeout);
      if (this.#state === 'ready') this.#broke('an answer did not come in time');
      else this.#unreachable('an answer did not come in time');
    }
    const late = this.#waiting.filter(isLate);
    if (late.length > 0) {
      this.#waiting = this.#waiting.filter(pending => !isLate(pending));
      this.#rejectAll(late, timeout);
    }
    for (const pending of this.#inFlight) this.#watchDeadline(pending.deadline);
    for (const pending of this.#waiting) this.#watchDeadline(pending.deadline);
  }

  #takeInFlight(): Pending[] {
    const taken = this.#inFlight;
    this.#inFlight = [];
    return taken;
  }

  #takeWaiting(): Pending[] {
    const taken = this.#waiting;
    this.#waiting = [];
    return taken;
  }

  #rejectAll(pending: readonly Pending[], error: Error): void {
    for (const each of pending) this.#reject(each, error);
  }

  /** Never on the stack of who asked. */
  #reject(pending: Pending, error: Error): void {
    queueMicrotask(() => this.#call(() => pending.failed(error)));
  }

  /** What goes wrong with one who asked is no other's trouble. */
  #call(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#options.logger.error({ peer: this.#options.name, error: failure(error) }, 'an answer could not be taken');
    }
  }
}

const SOFTWARE_VERSION = '0.1.0';
