import type { Handler, RequestContext } from '../../../src/server/handler.js';
import type { BrokerServices } from '../../../src/server/services.js';
import { Reader } from '../../../src/protocol/reader.js';
import { Writer } from '../../../src/protocol/writer.js';

/** Sends a request through its handler as the dispatcher would: through bytes, both ways, in one version. */
export async function ask<Answer>(handler: Handler, apiVersion: number, request: object, broker: Partial<BrokerServices>): Promise<Answer> {
  const writer = new Writer();
  handler.request.encode(writer, request, apiVersion);
  const decoded = handler.request.decode(new Reader(writer.finish()), apiVersion);
  const answer = await handler.handle(decoded, contextOf(apiVersion), broker as BrokerServices);
  return throughBytes<Answer>(handler, answer, apiVersion);
}

/** What the caller sees when the handler throws. */
export function failing<Answer>(handler: Handler, apiVersion: number, request: object, errorCode: number): Answer {
  const writer = new Writer();
  handler.request.encode(writer, request, apiVersion);
  const decoded = handler.request.decode(new Reader(writer.finish()), apiVersion);
  const answer = handler.onError === undefined ? { errorCode } : handler.onError(decoded, errorCode, contextOf(apiVersion));
  return throughBytes<Answer>(handler, answer, apiVersion);
}

function throughBytes<Answer>(handler: Handler, answer: object, apiVersion: number): Answer {
  const writer = new Writer();
  handler.response.encode(writer, answer, apiVersion);
  return handler.response.decode(new Reader(writer.finish()), apiVersion) as Answer;
}

export function contextOf(apiVersion: number, host = '127.0.0.1'): RequestContext {
  return { apiKey: 0, apiVersion, clientId: 'tester', connection: { id: 1, host, listener: 'PLAINTEXT' } };
}

export function versions(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
