// Connections to peers by the sockets of the native reactor.

import { isIP } from 'node:net';
import { getSystemErrorName } from 'node:util';
import type { Resolver } from '../base/resolver.js';
import { invariant } from '../base/invariant.js';
import type { Commands } from '../native/commands.js';
import type { NativeWire } from '../native/exchange.js';
import type { ConnectOptions, PeerConnection, PeerEndpoint, PeerFrame, PeerListener, PeerWire, WireEvents } from './peer-wire.js';
import type { ResponseSpace } from './response-space.js';

const PLAINTEXT = 0;
/** CloseReason of native/reactor/event.h, as far as they are about dialled connections. */
const REASONS: Readonly<Record<number, string>> = { 1: 'closed by the peer', 2: 'an answer of impossible size', 8: 'stopping', 10: 'unreachable', 11: 'answers that nobody asked for' };
const UNREACHABLE = 10;

export interface SocketWireOptions {
  readonly native: NativeWire;
  readonly commands: Commands;
  readonly space: ResponseSpace;
  readonly resolve: Resolver;
  /** Hands over commands given outside a drain. */
  readonly flush: () => void;
}

export class SocketWire implements PeerWire, WireEvents {
  readonly #options: SocketWireOptions;
  /** By the native connection. */
  readonly #dialled = new Map<number, Dialled>();

  constructor(options: SocketWireOptions) {
    this.#options = options;
  }

  connect(endpoint: PeerEndpoint, options: ConnectOptions, listener: PeerListener): PeerConnection {
    const dialled = new Dialled(this.#options, this.#dialled, endpoint, options, listener);
    dialled.begin();
    return dialled;
  }

  connected(connection: number): void {
    this.#dialled.get(connection)?.connected();
  }

  answered(connection: number, slot: number, offset: number, length: number): void {
    const { commands, space } = this.#options;
    const dialled = this.#dialled.get(connection);
    // Given up meanwhile.
    if (dialled === undefined) commands.releaseFrame(slot);
    else dialled.answered(new ArenaFrame(this.#options, slot, space.bytes, offset, length));
  }

  closed(connection: number, reason: number, errno: number): void {
    const dialled = this.#dialled.get(connection);
    this.#dialled.delete(connection);
    dialled?.closed(reason, errno);
  }
}

class ArenaFrame implements PeerFrame {
  readonly bytes: Buffer;
  readonly offset: number;
  readonly length: number;
  readonly #options: SocketWireOptions;
  readonly #slot: number;

  constructor(options: SocketWireOptions, slot: number, bytes: Buffer, offset: number, length: number) {
    this.#options = options;
    this.#slot = slot;
    this.bytes = bytes;
    this.offset = offset;
    this.length = length;
  }

  release(): void {
    this.#options.commands.releaseFrame(this.#slot);
    this.#options.flush();
  }
}

/** One connection, from the resolving of its host on. The addresses of a host are tried one after the other. */
class Dialled implements PeerConnection {
  readonly #wire: SocketWireOptions;
  readonly #others: Map<number, Dialled>;
  readonly #endpoint: PeerEndpoint;
  readonly #options: ConnectOptions;
  readonly #listener: PeerListener;
  #addresses: readonly string[] = [];
  #next = 0;
  #native = -1;
  #stands = false;
  #over = false;

  constructor(wire: SocketWireOptions, others: Map<number, Dialled>, endpoint: PeerEndpoint, options: ConnectOptions, listener: PeerListener) {
    this.#wire = wire;
    this.#others = others;
    this.#endpoint = endpoint;
    this.#options = options;
    this.#listener = listener;
  }

  begin(): void {
    const { host, securityProtocol } = this.#endpoint;
    if (securityProtocol !== PLAINTEXT) {
      queueMicrotask(() => this.#end(`security protocol ${securityProtocol} is not supported yet`));
      return;
    }
    if (isIP(host) !== 0) {
      queueMicrotask(() => this.#try([host]));
      return;
    }
    this.#wire.resolve(host).then(
      addresses => this.#try(addresses),
      (error: unknown) => this.#end(`${host} cannot be resolved: ${error instanceof Error ? error.message : String(error)}`),
    );
  }

  send(frame: Buffer): boolean {
    invariant(this.#native >= 0, 'a connection that stands');
    const { commands, space } = this.#wire;
    const queued = space.hand(frame, at => commands.send(this.#native, at, frame.length));
    if (queued) this.#wire.flush();
    return queued;
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#native < 0) return;
    this.#others.delete(this.#native);
    this.#wire.native.closeConnection(this.#native);
  }

  connected(): void {
    this.#stands = true;
    this.#listener.connected();
  }

  answered(frame: PeerFrame): void {
    this.#listener.answered(frame);
  }

  closed(reason: number, errno: number): void {
    this.#native = -1;
    const why = `${this.#addresses[this.#next - 1] ?? this.#endpoint.host}:${this.#endpoint.port}: ${REASONS[reason] ?? `closed (${reason})`}${errno === 0 ? '' : `, ${getSystemErrorName(-errno)}`}`;
    if (reason === UNREACHABLE && !this.#stands) this.#tryNext(why);
    else this.#end(why);
  }

  #try(addresses: readonly string[]): void {
    this.#addresses = addresses;
    this.#tryNext(`${this.#endpoint.host} has no address`);
  }

  #tryNext(otherwise: string): void {
    if (this.#over) return;
    const address = this.#addresses[this.#next++];
    if (address === undefined) {
      this.#end(otherwise);
      return;
    }
    const { maxFrameBytes, receiveBufferBytes } = this.#options;
    try {
      this.#native = this.#wire.native.dial(address, this.#endpoint.port, maxFrameBytes, receiveBufferBytes);
    } catch (error) {
      // No descriptor is left, or the exchange is closed.
      this.#end(error instanceof Error ? error.message : String(error));
      return;
    }
    this.#others.set(this.#native, this);
  }

  #end(why: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#listener.closed(why);
  }
}
