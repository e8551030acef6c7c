// What the dispatcher needs to know of an API to serve it. The server hands in a table of these.

import type { ApiData } from '../protocol/apis.js';
import type { MessageCodec } from '../protocol/codec.js';
import type { Connection } from './connection.js';
import type { RequestContext } from './request.js';

/** Frames up to this size give their slab back as soon as what they say is copied; larger ones stay charged until they are answered. */
export const SMALL_FRAME = 16 * 1024;

/** A request decoded as a whole, into memory of its own, and answered by a message. */
export interface PlainRoute {
  readonly kind: 'plain';
  /** Knows the versions of its headers. */
  readonly api: ApiData;
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly request: MessageCodec<object, object>;
  readonly response: MessageCodec<object, object>;
  handle(request: object, context: RequestContext): object | Promise<object>;
  /** The answer for a handler that threw, or undefined where none can be built. */
  refuse(request: object, error: unknown, context: RequestContext): object | undefined;
}

/** A request decoded in place by its handler, which gives the answer itself. */
export interface HotRoute {
  readonly kind: 'hot';
  readonly minVersion: number;
  readonly maxVersion: number;
  /** First version with header version 2 (tagged fields), and with response header version 1. */
  readonly flexibleFrom: number;
  /**
   * Serves the request whose body is arena[bodyStart, end). Returns false where successors on the connection must wait
   * until `done` is called. Throws ProtocolError where the body cannot be parsed.
   */
  serve(request: HotRequest): boolean;
}

/** One object, reused for every hot request: copy what must last. */
export interface HotRequest {
  slot: number;
  connection: Connection;
  apiVersion: number;
  correlationId: number;
  clientId: string;
  /** The frame in the arena, without its size; the body starts behind the header. */
  frameStart: number;
  bodyStart: number;
  end: number;
}

export type Route = PlainRoute | HotRoute;

export interface Routes {
  /** Undefined: not exposed. The connection ends without an answer (SocketServer.scala). */
  find(apiKey: number): Route | undefined;
  /** ApiVersions, which answers even versions it does not know (KIP-511). */
  unsupportedApiVersions(context: RequestContext): { readonly response: MessageCodec<object, object>; readonly message: object };
}
