// What a request handler is: one per API key, translating between the wire and the domain, owning no state.

import type { RequestContext } from '../network/request.js';
import type { MessageCodec } from '../protocol/codec.js';
import type { BrokerServices } from './services.js';

export type { ConnectionFacts, RequestContext } from '../network/request.js';

/** A handler with its types forgotten, as the dispatcher keeps it. */
export interface Handler {
  readonly request: MessageCodec<object, object>;
  readonly response: MessageCodec<object, object>;
  handle(request: object, context: RequestContext, broker: BrokerServices): object | Promise<object>;
  onError?(request: object, errorCode: number, context: RequestContext): object;
}

/**
 * Ties a handler's types to its codecs. `handle` answers, refuses or waits; what it throws becomes the answer of
 * `onError` (default: the top-level error code, where the response has one), and ends the connection where there is
 * none (RequestHandlerHelper.scala). Requests are memory of their own: they may be kept.
 */
export function defineHandler<Request, RequestInput, Response, ResponseInput>(handler: {
  readonly request: MessageCodec<Request, RequestInput>;
  readonly response: MessageCodec<Response, ResponseInput>;
  handle(request: Request, context: RequestContext, broker: BrokerServices): ResponseInput | Promise<ResponseInput>;
  onError?(request: Request, errorCode: number, context: RequestContext): ResponseInput;
}): Handler {
  return handler as unknown as Handler;
}
