// The way to another broker, or to this one, for one purpose (Kafka's NetworkClient). Requests are answered in their
// order; nothing is said twice by itself: who asked knows whether it may be.

import type { MessageCodec } from '../protocol/codec.js';

export interface SendOptions {
  /** From the call on, connecting included. Default: that of the channel. */
  readonly timeoutMs?: number;
  /** Never above this version, e.g. where what is asked cannot be said in a newer one. */
  readonly version?: number;
}

/** An answer as it lies in the arena: the body, behind the response header. */
export interface RawAnswer {
  readonly version: number;
  /** The whole arena, unless the answer came from this broker itself. */
  readonly bytes: Buffer;
  readonly offset: number;
  readonly length: number;
  /** Nobody reads it any more. To be called once the logs have what they were given of it. */
  release(): void;
}

export interface PeerChannel {
  /**
   * Sends at the newest version that both sides speak and that inter.broker.protocol.version allows; resolves with the
   * decoded answer. Rejects with PeerDisconnected, PeerTimeout, PeerUnsupported, or the codec's error where the version
   * cannot carry the message.
   */
  send<Answer>(request: MessageCodec<unknown, never>, message: object, options?: SendOptions): Promise<Answer>;
  /** The same without decoding: `taken` gets the answer, and owns it until release(). One of the two is called, once, never within this call. */
  sendRaw(request: MessageCodec<unknown, never>, message: object, taken: (answer: RawAnswer) => void, failed: (error: Error) => void, options?: SendOptions): void;
  /** The version that send() would use, once a first connection has told what the peer serves; undefined before, and where there is none. */
  versionOf(apiKey: number): number | undefined;
  /** Whether a connection stands and its versions are known. */
  readonly isReady: boolean;
  /** What waits fails with PeerDisconnected. A closed channel stays so. */
  close(): void;
}

/** The connection broke, or never came to be: the request may have been executed or not. */
export class PeerDisconnected extends Error {
  override readonly name = 'PeerDisconnected';
}

/** No answer within the time given. Whether the request was executed is not known. */
export class PeerTimeout extends Error {
  override readonly name = 'PeerTimeout';
}

/** The peer serves no version that could be used. */
export class PeerUnsupported extends Error {
  override readonly name = 'PeerUnsupported';
}
