// An idempotent producer with acks=all that never gives up while there is hope, and notes what became of every batch.
//
// It keeps a window of batches in flight on one connection, and says them again, in order and with their sequences, until each is
// acknowledged. Nothing new is sent before the window is empty, so a broker that did not start anew meanwhile remembers what is said twice.
import { setTimeout as delay } from 'node:timers/promises';
import { ErrorCode } from '../../../src/protocol/errors.js';
import { InitProducerIdRequest, ProduceRequest, type InitProducerIdResponse, type ProduceResponse } from '../../../src/protocol/messages.js';
import { batch } from '../../support/batches.js';
import type { ClusterClient } from '../../support/cluster-client.js';
import { produceOne } from '../../support/client.js';
import type { Chance } from '../../twin/chance.js';
import type { History } from '../history.js';

export interface WriterOptions {
  readonly name: string;
  readonly topic: string;
  readonly partition: number;
  readonly client: ClusterClient;
  readonly history: History;
  readonly chance: Chance;
  /** Nothing new from then on. */
  readonly stop: AbortSignal;
  /** What is not acknowledged by then is of unknown fate. */
  readonly giveUp: AbortSignal;
}

interface Batch {
  readonly op: number;
  readonly bytes: Buffer;
  readonly count: number;
}

const PAUSE_MS = 250;
const BACKOFF_MS = 100;
/** Batches that a broker remembers of a producer. */
const WINDOW = 5;
const BROKER_TIMEOUT_MS = 3_000;
const CLIENT_TIMEOUT_MS = 6_000;

/** The broker has forgotten, or does not know, what it acknowledged. */
const FORGOTTEN: ReadonlySet<number> = new Set([ErrorCode.OutOfOrderSequenceNumber, ErrorCode.UnknownProducerId, ErrorCode.InvalidProducerEpoch]);
/** They say that nothing was written, and never will be. */
const REFUSED: ReadonlySet<number> = new Set([ErrorCode.MessageTooLarge, ErrorCode.CorruptMessage, ErrorCode.InvalidRecord, ErrorCode.RecordListTooLarge]);

export async function write(options: WriterOptions): Promise<void> {
  for (let session = 0; !options.stop.aborted; session += 1) {
    const producerId = await newProducerId(options);
    if (producerId === undefined) return;
    await new Session(options, `${options.name}.${session}`, producerId).run();
  }
}

async function newProducerId({ client, chance, stop }: WriterOptions): Promise<number | undefined> {
  while (!stop.aborted) {
    try {
      await client.metadata([]);
      const answer = await client.ask<InitProducerIdResponse>(chance.pick(client.ports), InitProducerIdRequest, { transactionalId: null, transactionTimeoutMs: 60_000 }, 4);
      if (answer.errorCode === ErrorCode.None) return answer.producerId;
    } catch {
      // The next broker may know.
    }
    await delay(BACKOFF_MS);
  }
  return undefined;
}

/** What one producer id is used for. */
class Session {
  readonly #options: WriterOptions;
  readonly #writer: string;
  readonly #producerId: number;
  #values = 0;
  /** Where the leader was; asked for again after an error. */
  #leader: number | undefined;

  constructor(options: WriterOptions, writer: string, producerId: number) {
    this.#options = options;
    this.#writer = writer;
    this.#producerId = producerId;
  }

  /** Until it is told to stop, or the broker has forgotten us. */
  async run(): Promise<void> {
    const { chance, stop } = this.#options;
    // A broker takes any sequence of a producer that it does not know: the first batch goes alone.
    for (let most = 1; !stop.aborted; most = WINDOW) {
      const window = chance.some(chance.between(1, most), () => this.#make());
      if (!(await this.#settle(window))) return;
      await delay(chance.int(2 * PAUSE_MS), undefined, { signal: stop }).catch(() => {});
    }
  }

  #make(): Batch {
    const { history, chance, topic, partition } = this.#options;
    const baseSequence = this.#values;
    const values = chance.some(chance.between(1, 8), index => `${this.#writer}#${baseSequence + index}`);
    this.#values += values.length;
    const op = history.nextOp();
    history.note({ did: 'send', op, by: this.#writer, partition: `${topic}-${partition}`, values });
    const bytes = batch(values, { key: null, producerId: this.#producerId, producerEpoch: 0, baseSequence, ...(chance.percent(30) ? { codec: 'lz4' } : {}) });
    return { op, bytes, count: values.length };
  }

  /** Says them until all are acknowledged; false if no more can be said under this producer id. */
  async #settle(all: readonly Batch[]): Promise<boolean> {
    const { history, giveUp, topic, partition } = this.#options;
    let window = all;
    let why = 'given up';
    while (!giveUp.aborted) {
      const answers = await this.#say(window);
      const left: Batch[] = [];
      for (const [index, each] of window.entries()) {
        const answer = answers[index]!;
        if (typeof answer === 'object') history.note({ did: 'sent', op: each.op, ...(answer.offset < 0 ? {} : { offset: answer.offset }) });
        else if (REFUSED.has(answer)) history.note({ did: 'refused', op: each.op, why: `error ${answer}` });
        else left.push(each);
      }
      if (left.length === 0) return true;
      const first = answers[window.indexOf(left[0]!)]!;
      window = left;
      this.#leader = undefined;
      if (typeof first === 'number' && FORGOTTEN.has(first)) {
        why = `error ${first}`;
        // A broker that started since remembers the last batch alone: that is all a snapshot of producers holds, Kafka's too.
        if (all.length === 1) history.note({ did: 'complain', by: this.#writer, partition: `${topic}-${partition}`, what: `error ${first} though all before was acknowledged` });
        break;
      }
      await delay(BACKOFF_MS);
    }
    for (const { op } of window) history.note({ did: 'lost-sight', op, why });
    return false;
  }

  /** What became of each: where it was written, or an error; NETWORK_EXCEPTION where nobody said. */
  async #say(window: readonly Batch[]): Promise<readonly (number | { readonly offset: number })[]> {
    const { client, topic, partition } = this.#options;
    try {
      const port = this.#leader ??= await client.leaderOf(topic, partition);
      if (port === undefined) return window.map(() => ErrorCode.LeaderNotAvailable);
      await client.connection(port);
      return await Promise.all(window.map(async ({ bytes }) => {
        try {
          const asked = { ...produceOne(topic, partition, bytes), timeoutMs: BROKER_TIMEOUT_MS };
          const answer = await client.ask<ProduceResponse>(port, ProduceRequest, asked, 9, CLIENT_TIMEOUT_MS);
          const { errorCode, baseOffset } = answer.responses[0]!.partitionResponses[0]!;
          if (errorCode === ErrorCode.None) return { offset: baseOffset };
          return errorCode === ErrorCode.DuplicateSequenceNumber ? { offset: -1 } : errorCode;
        } catch {
          return ErrorCode.NetworkException;
        }
      }));
    } catch {
      return window.map(() => ErrorCode.NetworkException);
    }
  }
}
