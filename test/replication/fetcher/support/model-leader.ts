// What a leader answers to followers, by Kafka's rules (Partition.scala, FetchSession.scala), with sessions of its own.

import { ErrorCode } from '../../../../src/protocol/errors.js';
import type { FetchRequest, FetchResponseInput, ListOffsetsRequest, ListOffsetsResponseInput, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponseInput } from '../../../../src/protocol/messages.js';
import type { ModelLog } from './model-log.js';

const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';
const EARLIEST = -2;

/** A partition as its broker has it. */
export interface Led {
  readonly topic: string;
  readonly index: number;
  topicId: string;
  readonly log: ModelLog | undefined;
  highWatermark: number;
  /** The epoch that the broker knows, and whether it leads in it. */
  leaderEpoch: number;
  leads: boolean;
}

type Asked = FetchRequest['topics'][number]['partitions'][number] & { topic: string; topicId: string };
type Answered = NonNullable<NonNullable<FetchResponseInput['responses']>[number]['partitions']>[number];
interface Session {
  epoch: number;
  readonly byId: boolean;
  readonly rows: Map<string, Asked>;
  /** What each row was told last. */
  readonly told: Map<string, string>;
}

export class ModelLeader {
  readonly #led: () => Iterable<Led>;
  readonly #sessions = new Map<number, Session>();
  #lastSession = 0;
  /** No session is given. */
  givesSessions = true;
  /** The next answers say this of a partition, or of the whole. */
  readonly refusals: { readonly topic: string; readonly index: number; readonly code: number }[] = [];
  readonly wholeRefusals: number[] = [];
  /** Damages records on their way out. */
  damage: ((records: Buffer) => Buffer) | undefined;
  /** Leaves a partition out of a full answer, or makes one up in any. */
  omitted: string | undefined;
  invented: string | undefined;
  /** Everything that was asked, newest last. */
  readonly fetches: { version: number; request: FetchRequest }[] = [];
  /** Told of each fetch offset that a follower brings. */
  onFetched: (replica: number, led: Led, offset: number) => void = () => {};
  /** Told of each follower before it is answered where logs part. */
  onDiverging: (replica: number, led: Led) => void = () => {};

  constructor(led: () => Iterable<Led>) {
    this.#led = led;
  }

  forgetSessions(): void {
    this.#sessions.clear();
  }

  find(topic: string, index: number): Led | undefined {
    for (const each of this.#led()) if (each.topic === topic && each.index === index) return each;
    return undefined;
  }

  #byId(topicId: string, index: number): Led | undefined {
    for (const each of this.#led()) if (each.topicId === topicId && each.index === index) return each;
    return undefined;
  }

  /** Partitions that were refused. */
  refused = 0;

  #refusal(led: Led | undefined, currentLeaderEpoch: number, unknown: number): number {
    const code = this.#whyNot(led, currentLeaderEpoch, unknown);
    if (code !== ErrorCode.None) this.refused++;
    return code;
  }

  #whyNot(led: Led | undefined, currentLeaderEpoch: number, unknown: number): number {
    if (led === undefined) return unknown;
    const at = this.refusals.findIndex(({ topic, index }) => topic === led.topic && index === led.index);
    if (at >= 0) return this.refusals.splice(at, 1)[0]!.code;
    if (led.log === undefined) return ErrorCode.KafkaStorageError;
    if (currentLeaderEpoch >= 0 && currentLeaderEpoch < led.leaderEpoch) return ErrorCode.FencedLeaderEpoch;
    if (currentLeaderEpoch > led.leaderEpoch) return ErrorCode.UnknownLeaderEpoch;
    return led.leads ? ErrorCode.None : ErrorCode.NotLeaderOrFollower;
  }

  /** A fetch; `answer` is called again and again until it has something to say, or is told to say it now. */
  fetch(request: FetchRequest, version: number): (now: boolean) => FetchResponseInput | undefined {
    this.fetches.push({ version, request });
    const whole = this.wholeRefusals.shift();
    if (whole !== undefined) return () => ({ errorCode: whole });
    const asked = request.topics.flatMap(({ topic, topicId, partitions }) => partitions.map(each => ({ ...each, topic, topicId })));
    const replica = version >= 15 ? request.replicaState.replicaId : request.replicaId;
    if (version < 7 || request.sessionEpoch === -1) return this.#full(asked, version, 0, replica, request.maxBytes);
    if (request.sessionEpoch === 0) {
      this.#sessions.delete(request.sessionId);
      const id = this.givesSessions ? ++this.#lastSession : 0;
      const session: Session = { epoch: 1, byId: version >= 13, rows: new Map(asked.map(each => [keyOf(each), each])), told: new Map() };
      if (id !== 0) this.#sessions.set(id, session);
      return this.#full(asked, version, id, replica, request.maxBytes);
    }
    const session = this.#sessions.get(request.sessionId);
    if (session === undefined) return () => ({ errorCode: ErrorCode.FetchSessionIdNotFound });
    if (session.epoch !== request.sessionEpoch) return () => ({ errorCode: ErrorCode.InvalidFetchSessionEpoch });
    if (session.byId !== version >= 13) return () => ({ errorCode: ErrorCode.FetchSessionTopicIdError });
    session.epoch++;
    for (const each of asked) {
      session.rows.delete(keyOf(each));
      session.rows.set(keyOf(each), each);
    }
    for (const { topic, topicId, partitions } of request.forgottenTopicsData) for (const partition of partitions) session.rows.delete(keyOf({ topic, topicId, partition }));
    return now => {
      const rows = [...session.rows.values()].map(each => [each, this.#answer(each, version, replica, request.maxBytes)] as const);
      const news = rows.filter(([each, said]) => {
        const { records, ...rest } = said;
        const told = JSON.stringify(rest);
        const isNews = (records?.length ?? 0) > 0 || (said.errorCode ?? 0) !== 0 || said.divergingEpoch !== undefined || session.told.get(keyOf(each)) !== told;
        if (isNews || now) session.told.set(keyOf(each), told);
        return isNews;
      });
      return news.length > 0 || now || session.rows.size === 0 ? { sessionId: request.sessionId, responses: this.#grouped(news, version) } : undefined;
    };
  }

  #full(asked: readonly Asked[], version: number, sessionId: number, replica: number, maxBytes: number): (now: boolean) => FetchResponseInput | undefined {
    return () => {
      const rows = asked.filter(each => keyOf(each) !== this.omitted).map(each => [each, this.#answer(each, version, replica, maxBytes)] as const);
      return { sessionId, responses: this.#grouped(rows, version) };
    };
  }

  #grouped(rows: readonly (readonly [Asked, Answered])[], version: number): NonNullable<FetchResponseInput['responses']> {
    const responses = rows.map(([{ topic, topicId }, answer]) => (version >= 13 ? { topicId, partitions: [answer] } : { topic, partitions: [answer] }));
    const { invented } = this;
    if (invented === undefined) return responses;
    const partitions = [{ partitionIndex: 99, highWatermark: 0, records: null }];
    return [...responses, version >= 13 ? { topicId: invented, partitions } : { topic: invented, partitions }];
  }

  #answer(asked: Asked, version: number, replica: number, maxBytes: number): Answered {
    const led = version >= 13 ? this.#byId(asked.topicId, asked.partition) : this.find(asked.topic, asked.partition);
    const refusal = this.#refusal(led, asked.currentLeaderEpoch, version >= 13 ? ErrorCode.UnknownTopicId : ErrorCode.UnknownTopicOrPartition);
    const refused = (errorCode: number): Answered => ({ partitionIndex: asked.partition, errorCode, highWatermark: -1, records: null });
    if (refusal !== ErrorCode.None || led?.log === undefined) return refused(refusal);
    const { log } = led;
    if (asked.lastFetchedEpoch >= 0) {
      const end = log.epochs.endOffsetFor(asked.lastFetchedEpoch, log.endOffset);
      if (end === undefined) return refused(ErrorCode.OffsetOutOfRange);
      if (end.leaderEpoch < asked.lastFetchedEpoch || end.endOffset < asked.fetchOffset) {
        this.onDiverging(replica, led);
        return { partitionIndex: asked.partition, highWatermark: led.highWatermark, logStartOffset: log.startOffset, divergingEpoch: { epoch: end.leaderEpoch, endOffset: end.endOffset }, records: Buffer.alloc(0) };
      }
    }
    if (asked.fetchOffset < log.startOffset || asked.fetchOffset > log.endOffset) return refused(ErrorCode.OffsetOutOfRange);
    this.onFetched(replica, led, asked.fetchOffset);
    const records = log.read(asked.fetchOffset, Math.min(asked.partitionMaxBytes, maxBytes));
    return {
      partitionIndex: asked.partition, highWatermark: led.highWatermark, logStartOffset: version >= 5 ? log.startOffset : undefined,
      records: records.length > 0 && this.damage !== undefined ? this.damage(records) : records,
    };
  }

  epochEnds(request: OffsetForLeaderEpochRequest): OffsetForLeaderEpochResponseInput {
    const topics = request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition, currentLeaderEpoch, leaderEpoch }) => {
        const led = this.find(topic, partition);
        const errorCode = this.#refusal(led, currentLeaderEpoch, ErrorCode.UnknownTopicOrPartition);
        if (errorCode !== ErrorCode.None) return { partition, errorCode };
        this.onDiverging(request.replicaId, led!);
        const end = led!.log!.epochs.endOffsetFor(leaderEpoch, led!.log!.endOffset);
        return { partition, errorCode, leaderEpoch: end?.leaderEpoch ?? -1, endOffset: end?.endOffset ?? -1 };
      }),
    }));
    return { topics };
  }

  offsets(request: ListOffsetsRequest): ListOffsetsResponseInput {
    const topics = request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, currentLeaderEpoch, timestamp }) => {
        const led = this.find(name, partitionIndex);
        const errorCode = this.#refusal(led, currentLeaderEpoch, ErrorCode.UnknownTopicOrPartition);
        if (errorCode !== ErrorCode.None) return { partitionIndex, errorCode };
        this.onDiverging(request.replicaId, led!);
        return { partitionIndex, errorCode, offset: timestamp === EARLIEST ? led!.log!.startOffset : led!.log!.endOffset };
      }),
    }));
    return { topics };
  }
}

function keyOf({ topic, topicId, partition }: { topic: string; topicId: string; partition: number }): string {
  return `${topicId === NO_ID ? topic : topicId}-${partition}`;
}
