import type { Reader } from './reader.js';
import type { Writer } from './writer.js';

/** A field of a flexible message that this version of the schema does not know; kept so that it can be passed on. */
export interface UnknownTaggedField {
  tag: number;
  data: Uint8Array;
}

export type MessageType = 'request' | 'response' | 'header' | 'data';

/** `flexibleFrom` of a message without a flexible version. */
export const NEVER_FLEXIBLE = 32767;

/** Both directions of one message. `T` is what decoding gives, `I` what encoding takes (every field optional). */
export interface MessageCodec<T, I = T> {
  readonly name: string;
  readonly type: MessageType;
  /** -1 for headers and data. */
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly flexibleFrom: number;
  /** Leaves the reader behind the last byte of the message. Throws ProtocolError. */
  decode(reader: Reader, version: number): T;
  /** Throws ProtocolError where the version cannot carry the message: a field that it lacks and that may not be dropped. */
  encode(writer: Writer, message: I, version: number): void;
  /**
   * The same in steps, where the message may tell of very many partitions: each next() does a small part. What brokers say to
   * each other (apis with the flag clusterAction) has these. The decoded whole is the generator's value.
   */
  decodeSteps?(reader: Reader, version: number): Generator<undefined, T>;
  encodeSteps?(writer: Writer, message: I, version: number): Generator<undefined, void>;
}

/** A codec of which only the shape is known, as in tables of all of them. */
export type AnyCodec = MessageCodec<object, object>;
