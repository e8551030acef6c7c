// The controller's way to its own broker: the same handlers a socket would lead to, and the same bytes' worth of checks,
// without the socket.

import { Turns } from '../base/turns.js';
import type { BrokerChannel } from '../controller/broker-sender.js';
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

  async send<Answer>(request: MessageCodec<unknown, never>, message: object, { version = request.maxVersion }: { readonly version?: number } = {}): Promise<Answer> {
    const handler = handlerOf(request.apiKey);
    if (handler === undefined) throw new Error(`no handler for ${request.name}`);
    const broker = this.#broker();
    const context = { apiKey: request.apiKey, apiVersion: version, clientId: String(broker.brokerId), connection: { id: -1, host: '127.0.0.1', listener: broker.config.listeners.interBroker } };
    // Through the codecs, so that what a remote broker would not get is missing here too.
    const turns = new Turns(broker.clock, broker.timers);
    const answer = await handler.handle(await recodedInTurns(handler.request, message, version, turns), context, broker);
    await turns.next();
    return recoded(handler.response, answer, version) as Answer;
  }
}

/** Partitions recoded in one go. */
const AT_ONCE = 200;

interface TopicState {
  readonly partitionStates: unknown[];
}

/** What is said of very many partitions is recoded some at a time; whoever takes the request gets it whole. */
async function recodedInTurns(codec: MessageCodec<object, object>, message: object & { readonly topicStates?: readonly TopicState[] }, version: number, turns: Turns): Promise<object> {
  const [first, ...others] = piecesOf(message.topicStates ?? []);
  if (first === undefined || others.length === 0) return recoded(codec, message, version);
  const whole = recoded(codec, { ...message, topicStates: first.topics }, version) as { readonly topicStates: TopicState[] };
  for (const { topics, continues } of others) {
    await turns.next();
    const { topicStates } = recoded(codec, { ...message, topicStates: topics }, version) as { readonly topicStates: TopicState[] };
    if (continues) whole.topicStates.at(-1)!.partitionStates.push(...topicStates.shift()!.partitionStates);
    whole.topicStates.push(...topicStates);
  }
  return whole;
}

/** Of so many partitions each; `continues`: it begins in the topic that the one before ended in. */
function piecesOf(topics: readonly TopicState[]): { readonly topics: TopicState[]; readonly continues: boolean }[] {
  const pieces: { readonly topics: TopicState[]; readonly continues: boolean }[] = [];
  let room = 0;
  for (const topic of topics) {
    for (let from = 0; from === 0 || from < topic.partitionStates.length;) {
      if (room === 0) {
        pieces.push({ topics: [], continues: from > 0 });
        room = AT_ONCE;
      }
      const partitionStates = topic.partitionStates.slice(from, from + room);
      pieces.at(-1)!.topics.push({ ...topic, partitionStates });
      // A topic without any takes room too.
      const taken = Math.max(1, partitionStates.length);
      room -= taken;
      from += taken;
    }
  }
  return pieces;
}

function recoded(codec: MessageCodec<object, object>, message: object, version: number): object {
  const writer = new Writer(1024);
  codec.encode(writer, message, version);
  const bytes = writer.finish();
  return codec.decode(new Reader(bytes, 0, bytes.length), version);
}
