// What a channel to a peer needs of the world below it: connections that take frames and bring frames. Production gives
// sockets (socket-wire.ts) or, to this broker itself, its own dispatcher (local-wire.ts); tests and the simulator give theirs. Here
// lies the seam for TLS: a wire encrypts beneath, and tells `connected` when its handshake is over.

export interface PeerEndpoint {
  readonly host: string;
  readonly port: number;
  /** SecurityProtocol's id, as in a broker's registration. */
  readonly securityProtocol: number;
}

export interface PeerWire {
  /** Begins to connect. `listener` hears of it, never within this call, until `closed` or until the connection was closed from here. */
  connect(endpoint: PeerEndpoint, options: ConnectOptions, listener: PeerListener): PeerConnection;
}

export interface ConnectOptions {
  /** A longer answer ends the connection. */
  readonly maxFrameBytes: number;
  /** -1: the system's choice. */
  readonly receiveBufferBytes: number;
}

export interface PeerConnection {
  /** Queues a frame, its size in front; the bytes are copied. False: there is no room at present, and nothing is queued. */
  send(frame: Buffer): boolean;
  /** The listener hears nothing more. Safe twice. */
  close(): void;
}

export interface PeerListener {
  connected(): void;
  answered(frame: PeerFrame): void;
  closed(why: string): void;
}

/** `length` bytes of `bytes` from `offset` on, without a size field. They stay until release(). */
export interface PeerFrame {
  readonly bytes: Buffer;
  readonly offset: number;
  readonly length: number;
  release(): void;
}

/** Events of dialled connections, as the dispatcher passes them on. */
export interface WireEvents {
  connected(connection: number): void;
  answered(connection: number, slot: number, offset: number, length: number): void;
  closed(connection: number, reason: number, errno: number): void;
}
