// Plays a conversation to one broker.

import { apis, type ApiData } from '../../src/protocol/apis.js';
import { decodeResponseHeader, encodeRequestHeader } from '../../src/protocol/headers.js';
import { Reader } from '../../src/protocol/reader.js';
import { Writer } from '../../src/protocol/writer.js';
import type { Mangling, Step } from './conversation.js';
import { grammarOf } from './grammars.js';
import { prune, requestModel } from './schema-model.js';
import type { Bindings } from './symbols.js';
import { Wire, type Outcome } from './wire.js';

/** What became of a step, the answer decoded. */
export type Heard =
  | { readonly kind: 'answer'; readonly message: object; readonly afterMs: number }
  | { readonly kind: 'garbled'; readonly why: string }
  | { readonly kind: 'closed' }
  /** No answer until the time was up. */
  | { readonly kind: 'silence' }
  /** No answer was due, and the connection lives. */
  | { readonly kind: 'alive' }
  /** The codec cannot say it: nothing was sent. */
  | { readonly kind: 'unsayable'; readonly why: string };

/** Longer than anything that a step waits for by itself. */
const SILENCE_MS = 4_000;
/** How long a step that may wait for others is given to be answered all the same, before the next one follows. */
const SETTLE_MS = 120;
/** Between questions whether something is over, and how many there are. */
const ASK_AGAIN_MS = 5;
const MOST_QUESTIONS = 100;

export const apiNamed = new Map(apis.map(api => [api.name, api]));

export class Player {
  readonly #port: number;
  readonly #wires = new Map<number, Promise<Wire>>();
  readonly bindings: Bindings;
  #correlationId = 0;
  /** What was said last takes until then to count. */
  #restUntil = 0;

  constructor(port: number, bindings: Bindings) {
    this.#port = port;
    this.bindings = bindings;
  }

  async play(steps: readonly Step[]): Promise<Heard[]> {
    const heard: Promise<Heard>[] = [];
    for (const step of steps) {
      const restMs = this.#restUntil - performance.now();
      if (restMs > 0 && grammarOf(step.api).readsOwnWrites?.(step.body as never) !== true) await new Promise(resolve => setTimeout(resolve, restMs));
      const outcome = this.#say(step);
      heard.push(outcome);
      if (step.inFlight === true) continue;
      if (step.pending !== true) await outcome;
      else await Promise.race([outcome, new Promise(resolve => setTimeout(resolve, SETTLE_MS))]);
    }
    return Promise.all(heard);
  }

  async close(): Promise<void> {
    for (const wire of this.#wires.values()) (await wire.catch(() => undefined))?.close();
  }

  async #say(step: Step): Promise<Heard> {
    const heard = await this.#ask(step);
    if (heard.kind !== 'answer') return heard;
    await this.#settle(step, heard.message);
    this.#restUntil = Math.max(this.#restUntil, performance.now() + (grammarOf(step.api).rests?.(heard.message as never) ?? 0));
    return heard;
  }

  async #ask(step: Step): Promise<Heard> {
    const api = apiNamed.get(step.api)!;
    const correlationId = ++this.#correlationId;
    let frame: Buffer;
    try {
      frame = frameOf(api, step, this.bindings, correlationId);
    } catch (error) {
      return { kind: 'unsayable', why: String(error) };
    }
    const wire = await this.#wire(step.connection);
    const outcome = await this.#exchange(wire, frame, step);
    // What a broker never answers keeps back all that comes behind it: the next one speaks on a connection of its own.
    if (outcome.kind === 'silence' && step.pending !== true) wire.close();
    return outcome.kind === 'answer' ? this.#hear(api, step, correlationId, outcome) : outcome;
  }

  async #exchange(wire: Wire, frame: Buffer, step: Step): Promise<Outcome | { readonly kind: 'alive' }> {
    if (step.unanswered === true) {
      wire.tell(frame);
      const probe = await wire.ask(probeFrame(++this.#correlationId), SILENCE_MS);
      return probe.kind === 'answer' ? { kind: 'alive' } : probe;
    }
    return wire.ask(frame, SILENCE_MS);
  }

  async #settle(step: Step, message: object): Promise<void> {
    const settling = grammarOf(step.api).settles?.(message as never);
    if (settling === undefined) return;
    for (let asked = 0; asked < MOST_QUESTIONS; asked++) {
      const heard = await this.#ask(settling.ask);
      if (heard.kind !== 'answer' || settling.over(heard.message as never)) return;
      await new Promise(resolve => setTimeout(resolve, ASK_AGAIN_MS));
    }
  }

  #hear(api: ApiData, step: Step, correlationId: number, outcome: Outcome & { kind: 'answer' }): Heard {
    const version = step.mangling?.apiVersion ?? step.version;
    try {
      const message = decode(api, api.name === 'ApiVersions' && version > api.response.maxVersion ? 0 : version, correlationId, outcome.frame);
      if (step.binds !== undefined) grammarOf(step.api).learn?.(message as never, this.bindings, step.binds);
      return { kind: 'answer', message, afterMs: outcome.afterMs };
    } catch (error) {
      return { kind: 'garbled', why: `${String(error)}: ${outcome.frame.subarray(0, 200).toString('hex')}` };
    }
  }

  /** Whoever asks first speaks first, also where the connection is only being opened. */
  async #wire(connection: number): Promise<Wire> {
    const open = this.#wires.get(connection);
    if (open !== undefined) {
      const wire = await open;
      if (!wire.closed) return wire;
    }
    const opened = Wire.open(this.#port);
    this.#wires.set(connection, opened);
    const wire = await opened;
    return wire;
  }
}

function decode(api: ApiData, version: number, correlationId: number, frame: Buffer): object {
  const reader = new Reader(frame);
  const header = decodeResponseHeader(reader, api, version);
  if (header.correlationId !== correlationId) throw new Error(`answer ${header.correlationId} where ${correlationId} was due`);
  const message = api.response.decode(reader, version);
  if (reader.remaining > 0) throw new Error(`${reader.remaining} bytes behind the answer`);
  return message;
}

function frameOf(api: ApiData, step: Step, bindings: Bindings, correlationId: number): Buffer {
  const body = bindings.resolve(prune(requestModel(api.key), step.body, step.version)) as object;
  const writer = new Writer(256);
  writer.writeInt32(0);
  encodeRequestHeader(writer, api, step.version, correlationId, step.clientId);
  api.request.encode(writer, body, step.version);
  const bytes = mangled(Buffer.from(writer.finish()), step.mangling ?? {});
  bytes.writeInt32BE(step.mangling?.size ?? bytes.length - 4);
  return bytes;
}

function mangled(bytes: Buffer, { cut = 0, tail = 0, apiKey, apiVersion }: Mangling): Buffer {
  const kept = Buffer.concat([bytes.subarray(0, Math.max(4, bytes.length - cut)), Buffer.alloc(tail, 1)]);
  if (apiKey !== undefined && kept.length >= 6) kept.writeInt16BE(apiKey, 4);
  if (apiVersion !== undefined && kept.length >= 8) kept.writeInt16BE(apiVersion, 6);
  return kept;
}

function probeFrame(correlationId: number): Buffer {
  const writer = new Writer(64);
  writer.writeInt32(0);
  encodeRequestHeader(writer, apiNamed.get('ApiVersions')!, 0, correlationId, null);
  const bytes = Buffer.from(writer.finish());
  bytes.writeInt32BE(bytes.length - 4);
  return bytes;
}
