// Requests of this broker to whoever is controller (NodeToControllerChannelManager).

import type { Clock } from '../base/clock.js';
import type { Timers } from '../base/timers.js';
import type { BrokerChannel } from '../controller/broker-sender.js';
import type { MessageCodec } from '../protocol/codec.js';
import { ErrorCode } from '../protocol/errors.js';

export interface ToControllerOptions {
  /** Who that is, by what this broker was told last. -1: nobody. */
  readonly controllerId: () => number;
  /** The way to a broker, the own one included; undefined where it is not known. */
  readonly channel: (broker: number) => BrokerChannel | undefined;
  readonly clock: Clock;
  readonly timers: Timers;
}

export class NoController extends Error {
  override readonly name = 'NoController';
}

/** How long the first one found may stay silent before somebody else is asked. */
const ASKED_FOR_MS = 30_000;
const BACKOFF_MS = 50;

export class ToController {
  readonly #options: ToControllerOptions;

  constructor(options: ToControllerOptions) {
    this.#options = options;
  }

  /**
   * Asks the controller, and again where there is none, the connection breaks, or the one that was asked is controller no more.
   * So the request has to be one that may be carried out twice. Rejects with NoController when the time is up.
   */
  async ask<Answer extends { readonly errorCode: number }>(request: MessageCodec<unknown, never>, message: object, timeoutMs: number): Promise<Answer> {
    const { clock, timers } = this.#options;
    const deadline = clock.monotonic() + timeoutMs;
    let last: unknown;
    for (let left = timeoutMs; left > 0; left = deadline - clock.monotonic()) {
      try {
        const answer = await this.askOnce<Answer>(request, message, { timeoutMs: Math.min(left, ASKED_FOR_MS) });
        if (answer.errorCode !== ErrorCode.NotController) return answer;
      } catch (error) {
        last = error;
      }
      await new Promise<void>(resolve => void timers.after(BACKOFF_MS, resolve));
    }
    throw last instanceof Error ? last : new NoController(`${request.name}: nobody was controller for ${timeoutMs} ms`);
  }

  /** One attempt at whoever is controller now. */
  async askOnce<Answer>(request: MessageCodec<unknown, never>, message: object, options: { readonly timeoutMs: number; readonly version?: number }): Promise<Answer> {
    const channel = this.#options.channel(this.#options.controllerId());
    if (channel === undefined) throw new NoController(`${request.name}: no controller is known`);
    return channel.send<Answer>(request, message, options);
  }
}
