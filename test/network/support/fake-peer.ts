// A broker at the other end of a wire, as a story wants it: it hears requests, and answers what the story says.
import { apiByKey } from '../../../src/protocol/apis.js';
import { decodeRequestHeader, encodeResponseHeader } from '../../../src/protocol/headers.js';
import { ApiVersionsResponse } from '../../../src/protocol/messages.js';
import { Reader } from '../../../src/protocol/reader.js';
import { Writer } from '../../../src/protocol/writer.js';
import type { ConnectOptions, PeerConnection, PeerEndpoint, PeerListener, PeerWire } from '../../../src/network/peer-wire.js';

export interface Heard {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string;
  readonly message: object;
}

const API_VERSIONS = 18;

export class FakeConnection implements PeerConnection {
  readonly endpoint: PeerEndpoint;
  readonly options: ConnectOptions;
  readonly listener: PeerListener;
  readonly heard: Heard[] = [];
  readonly released: string[] = [];
  /** Requests find no room. */
  full = false;
  closed = false;

  constructor(endpoint: PeerEndpoint, options: ConnectOptions, listener: PeerListener) {
    this.endpoint = endpoint;
    this.options = options;
    this.listener = listener;
  }

  send(frame: Buffer): boolean {
    if (this.full) return false;
    const bytes = Buffer.from(frame.subarray(4));
    const reader = new Reader(bytes);
    const { api, apiVersion, correlationId, clientId } = decodeRequestHeader(reader);
    this.heard.push({ apiKey: api.key, apiVersion, correlationId, clientId, message: api.request.decode(reader, apiVersion) });
    return true;
  }

  close(): void {
    this.closed = true;
  }

  /** The last request, or that one, is answered. */
  answer(message: object, to: Heard = this.heard.at(-1)!, version = to.apiVersion): void {
    const api = apiByKey(to.apiKey)!;
    const writer = new Writer();
    encodeResponseHeader(writer, api, version, to.correlationId);
    api.response.encode(writer, message, version);
    this.answerBytes(Buffer.from(writer.finish()));
  }

  /** Somewhere in a larger memory, as in the arena. */
  answerBytes(frame: Buffer): void {
    const bytes = Buffer.concat([Buffer.from('before'), frame, Buffer.from('behind')]);
    const name = `answer ${this.released.length}`;
    this.listener.answered({ bytes, offset: 6, length: frame.length, release: () => void this.released.push(name) });
  }

  connect(served: Readonly<Record<number, readonly [number, number]>>): void {
    this.listener.connected();
    if (this.heard.at(-1)?.apiKey === API_VERSIONS) this.answer(versionsAnswer(served));
  }
}

export function versionsAnswer(served: Readonly<Record<number, readonly [number, number]>>, errorCode = 0): Parameters<typeof ApiVersionsResponse.encode>[1] {
  return { errorCode, apiKeys: Object.entries(served).map(([apiKey, [minVersion, maxVersion]]) => ({ apiKey: Number(apiKey), minVersion, maxVersion })) };
}

/** Keeps the connections that are made. */
export class FakeWire implements PeerWire {
  readonly connections: FakeConnection[] = [];

  connect(endpoint: PeerEndpoint, options: ConnectOptions, listener: PeerListener): PeerConnection {
    const connection = new FakeConnection(endpoint, options, listener);
    this.connections.push(connection);
    return connection;
  }

  get last(): FakeConnection {
    return this.connections.at(-1)!;
  }
}
