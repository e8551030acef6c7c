// The controller's way to one broker in one of its lives (RequestSendThread of ControllerChannelManager.scala): requests in
// their order, one in flight, each said again until it was answered or the broker's registration is gone. Nobody waits for it.

import type { Logger } from '../base/logger.js';
import type { Timer, Timers } from '../base/timers.js';
import type { MessageCodec } from '../protocol/codec.js';

/** Sends one request and resolves with its answer. Rejects where there is none: the connection broke, or the time is up. */
export interface BrokerChannel {
  send<Answer>(request: MessageCodec<unknown, never>, message: object, options?: { readonly timeoutMs?: number; readonly version?: number }): Promise<Answer>;
  /** Whoever asks for the channel again gets another. */
  close?(): void;
}

export interface ControlRequest {
  readonly codec: MessageCodec<unknown, never>;
  readonly version: number;
  readonly message: object;
  readonly answered: (answer: never) => void;
}

export interface SenderOptions {
  /** Undefined where the way is not known yet. */
  readonly channel: (broker: number) => BrokerChannel | undefined;
  /** controller.socket.timeout.ms */
  readonly timeoutMs: number;
  readonly timers: Timers;
  readonly logger: Logger;
}

const BACKOFF_MS = 100;
/** Of a broker that does not answer, one failure in so many is told. */
const TOLD_EACH = 100;

export class BrokerSender {
  readonly #broker: number;
  readonly #options: SenderOptions;
  #queue: ControlRequest[] = [];
  #channel: BrokerChannel | undefined;
  #waiting: { readonly last: ControlRequest; readonly done: () => void }[] = [];
  #running = false;
  #closed = false;
  #backoff: { readonly timer: Timer; readonly wake: () => void } | undefined;

  constructor(broker: number, options: SenderOptions) {
    this.#broker = broker;
    this.#options = options;
  }

  /** Requests that wait or are in flight. */
  get queued(): number {
    return this.#queue.length;
  }

  send(request: ControlRequest): void {
    if (this.#closed) return;
    this.#queue.push(request);
    if (!this.#running) void this.#run();
  }

  /** Resolves when everything that was queued before is answered, or never will be. */
  async idle(): Promise<void> {
    const last = this.#queue.at(-1);
    if (last !== undefined) await new Promise<void>(done => this.#waiting.push({ last, done }));
  }

  /** What was not answered is dropped, and answers that are still to come are nobody's. */
  close(): void {
    this.#closed = true;
    this.#queue = [];
    this.#channel?.close?.();
    this.#channel = undefined;
    this.#backoff?.timer.cancel();
    this.#backoff?.wake();
    for (const { done } of this.#waiting.splice(0)) done();
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let failures = 0; this.#queue.length > 0;) {
      if (await this.#say(this.#queue[0]!, failures)) {
        this.#ended(this.#queue.shift());
        failures = 0;
      } else if (!this.#closed) {
        failures++;
        await this.#pause();
      }
    }
    this.#running = false;
  }

  /** Whether it is over and done with. */
  async #say({ codec, version, message, answered }: ControlRequest, failures: number): Promise<boolean> {
    try {
      this.#channel ??= this.#options.channel(this.#broker);
      if (this.#channel === undefined) return false;
      const answer = await this.#channel.send<never>(codec, message, { timeoutMs: this.#options.timeoutMs, version });
      if (!this.#closed) answered(answer);
      return true;
    } catch (error) {
      if (!this.#closed && failures % TOLD_EACH === 0) this.#options.logger.warn({ broker: this.#broker, api: codec.name, failures, error: String(error) }, 'a broker did not answer the controller: it is asked again');
      return false;
    }
  }

  #ended(request: ControlRequest | undefined): void {
    for (const { last, done } of this.#waiting) if (last === request) done();
    this.#waiting = this.#waiting.filter(({ last }) => last !== request);
  }

  #pause(): Promise<void> {
    return new Promise(wake => {
      this.#backoff = { wake, timer: this.#options.timers.after(BACKOFF_MS, wake) };
    });
  }
}

/** One sender for each broker that is registered (ControllerChannelManager). */
export class BrokerSenders {
  readonly #options: SenderOptions;
  readonly #senders = new Map<number, BrokerSender>();

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** A broker registered: in a new life it knows nothing of what was on its way to the old one. */
  add(broker: number): void {
    this.#senders.get(broker)?.close();
    this.#senders.set(broker, new BrokerSender(broker, this.#options));
  }

  remove(broker: number): void {
    this.#senders.get(broker)?.close();
    this.#senders.delete(broker);
  }

  clear(): void {
    for (const sender of this.#senders.values()) sender.close();
    this.#senders.clear();
  }

  /** Resolves when the broker has answered what it was told so far. */
  async told(broker: number): Promise<void> {
    await this.#senders.get(broker)?.idle();
  }

  send(broker: number, request: ControlRequest): void {
    this.#senders.get(broker)?.send(request);
  }
}
