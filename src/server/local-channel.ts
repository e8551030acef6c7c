// The controller's way to its own broker: the same handlers a socket would lead to, and the same bytes' worth of checks,
// without the socket.

import type { BrokerChannel } from '../controller/broker-requests.js';
import type { MessageCodec } from '../protocol/codec.js';
import { Reader } from '../protocol/reader.js';
import { Writer } from '../protocol/writer.js';
import { handlerOf } from './routes.js';
import type { BrokerServices } from './services.js';

export class LocalChannel implements BrokerChannel {
  readonly #broker: () => BrokerServices;

  constructor(broker: () => BrokerServices) {
    this.#broker = broker;
  }

  async send<Answer>(request: MessageCodec<unknown, never>, message: object): Promise<Answer> {
    const handler = handlerOf(request.apiKey);
    if (handler === undefined) throw new Error(`no handler for ${request.name}`);
    const version = request.maxVersion;
    const broker = this.#broker();
    const context = { apiKey: request.apiKey, apiVersion: version, clientId: String(broker.brokerId), connection: { id: -1, host: '127.0.0.1', listener: broker.config.listeners.interBroker } };
    // Through the codecs, so that what a remote broker would not get is missing here too.
    const answer = await handler.handle(recoded(handler.request, message, version), context, broker);
    return recoded(handler.response, answer, version) as Answer;
  }
}

function recoded(codec: MessageCodec<object, object>, message: object, version: number): object {
  const writer = new Writer(1024);
  codec.encode(writer, message, version);
  const bytes = writer.finish();
  return codec.decode(new Reader(bytes, 0, bytes.length), version);
}
