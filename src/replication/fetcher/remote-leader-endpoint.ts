// A leader that is another broker of this cluster (RemoteLeaderEndPoint.scala).

import { ErrorCode } from '../../protocol/errors.js';
import { FetchResponseView } from '../../protocol/hot/fetch-response-view.js';
import { ReplicaFetchRequestCodec, type ReplicaFetchRequest } from '../../protocol/hot/replica-fetch-request.js';
import { ListOffsetsRequest, OffsetForLeaderEpochRequest, type ListOffsetsResponse, type OffsetForLeaderEpochResponse } from '../../protocol/messages.js';
import { PeerDisconnected, type PeerChannel, type RawAnswer, type SendOptions } from '../../network/peer-channel.js';
import { FIRST_WITH_TOPIC_IDS } from './follower-fetch-session.js';
import type { EpochEndAnswer, EpochQuestion, FetchAnswer, LeaderEndpoint, LeaderQuestion, OffsetAnswer } from './leader-endpoint.js';

const EARLIEST = -2;
const LATEST = -1;
/** The first version whose answers tell where logs part. */
const FIRST_WITH_DIVERGENCE = 12;

export interface RemoteLeaderOptions {
  /** Asked for at each request: undefined while nobody knows where that broker is. */
  readonly channel: () => PeerChannel | undefined;
  readonly leader: number;
  readonly brokerId: number;
  /** What inter.broker.protocol.version makes of fetches between brokers. */
  readonly fetchVersion: number;
  /** replica.socket.timeout.ms */
  readonly timeoutMs: number;
}

export class RemoteLeaderEndpoint implements LeaderEndpoint {
  readonly brokerId: number;
  readonly tellsDivergence: boolean;
  readonly takesTopicIds: boolean;
  readonly #options: RemoteLeaderOptions;
  readonly #newest: SendOptions;
  readonly #withoutTopicIds: SendOptions;
  readonly #rows = new FetchResponseView();
  #channel: PeerChannel | undefined;
  #taken!: (answer: FetchAnswer) => void;
  #failed!: (error: Error) => void;

  constructor(options: RemoteLeaderOptions) {
    const { leader, fetchVersion, timeoutMs } = options;
    this.brokerId = leader;
    this.tellsDivergence = fetchVersion >= FIRST_WITH_DIVERGENCE;
    this.takesTopicIds = fetchVersion >= FIRST_WITH_TOPIC_IDS;
    this.#options = options;
    this.#newest = { timeoutMs, version: fetchVersion };
    this.#withoutTopicIds = { timeoutMs, version: Math.min(fetchVersion, FIRST_WITH_TOPIC_IDS - 1) };
  }

  fetch(request: ReplicaFetchRequest, taken: (answer: FetchAnswer) => void, failed: (error: Error) => void): void {
    this.#taken = taken;
    this.#failed = failed;
    const channel = this.#reach();
    if (channel === undefined) queueMicrotask(() => failed(new PeerDisconnected(`broker ${this.brokerId} is not known`)));
    else channel.sendRaw(ReplicaFetchRequestCodec, request, this.#answered, failed, request.usesTopicIds ? this.#newest : this.#withoutTopicIds);
  }

  readonly #answered = (answer: RawAnswer): void => {
    const rows = this.#rows;
    try {
      // Below, an answer cannot say that our log parts from the leader's, and we would take what comes behind.
      if (this.tellsDivergence && answer.version < FIRST_WITH_DIVERGENCE) throw new Error(`broker ${this.brokerId} answers fetches in version ${answer.version}, and inter.broker.protocol.version says ${this.#options.fetchVersion}`);
      rows.decode(answer.bytes, answer.offset, answer.offset + answer.length, answer.version);
    } catch (error) {
      answer.release();
      this.#failed(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#taken({ rows, release: () => answer.release() });
  };

  async epochEnds(questions: readonly EpochQuestion[]): Promise<readonly EpochEndAnswer[]> {
    const topics = byTopic(questions, (topic, partitions) => ({
      topic, partitions: partitions.map(({ partition, currentLeaderEpoch, leaderEpoch }) => ({ partition, currentLeaderEpoch, leaderEpoch })),
    }));
    const answer = await this.#send<OffsetForLeaderEpochResponse>(OffsetForLeaderEpochRequest, { replicaId: this.#options.brokerId, topics });
    const answers = new Answers<EpochEndAnswer>();
    for (const { topic, partitions } of answer.topics) for (const each of partitions) answers.add(topic, each.partition, each);
    return questions.map(question => answers.of(question) ?? { errorCode: ErrorCode.UnknownServerError, leaderEpoch: -1, endOffset: -1 });
  }

  earliestOffsets(questions: readonly LeaderQuestion[]): Promise<readonly OffsetAnswer[]> {
    return this.#offsets(questions, EARLIEST);
  }

  latestOffsets(questions: readonly LeaderQuestion[]): Promise<readonly OffsetAnswer[]> {
    return this.#offsets(questions, LATEST);
  }

  async #offsets(questions: readonly LeaderQuestion[], timestamp: number): Promise<readonly OffsetAnswer[]> {
    const topics = byTopic(questions, (name, partitions) => ({
      name, partitions: partitions.map(({ partition: partitionIndex, currentLeaderEpoch }) => ({ partitionIndex, currentLeaderEpoch, timestamp })),
    }));
    const answer = await this.#send<ListOffsetsResponse>(ListOffsetsRequest, { replicaId: this.#options.brokerId, topics });
    const answers = new Answers<OffsetAnswer>();
    for (const { name, partitions } of answer.topics) for (const each of partitions) answers.add(name, each.partitionIndex, each);
    return questions.map(question => answers.of(question) ?? { errorCode: ErrorCode.UnknownServerError, offset: -1 });
  }

  async #send<Answer>(request: typeof ListOffsetsRequest | typeof OffsetForLeaderEpochRequest, message: object): Promise<Answer> {
    const channel = this.#reach();
    if (channel === undefined) throw new PeerDisconnected(`broker ${this.brokerId} is not known`);
    return channel.send<Answer>(request, message, { timeoutMs: this.#options.timeoutMs });
  }

  #reach(): PeerChannel | undefined {
    this.#channel = this.#options.channel();
    return this.#channel;
  }

  close(): void {
    this.#channel?.close();
  }
}

/** Questions of one topic stand under it together. */
function byTopic<Question extends LeaderQuestion, Topic>(questions: readonly Question[], make: (topic: string, questions: readonly Question[]) => Topic): Topic[] {
  const topics = new Map<string, Question[]>();
  for (const question of questions) {
    const known = topics.get(question.topic);
    if (known === undefined) topics.set(question.topic, [question]);
    else known.push(question);
  }
  return [...topics].map(([topic, of]) => make(topic, of));
}

class Answers<Answer> {
  readonly #topics = new Map<string, Map<number, Answer>>();

  add(topic: string, partition: number, answer: Answer): void {
    let partitions = this.#topics.get(topic);
    if (partitions === undefined) this.#topics.set(topic, (partitions = new Map<number, Answer>()));
    partitions.set(partition, answer);
  }

  of({ topic, partition }: LeaderQuestion): Answer | undefined {
    return this.#topics.get(topic)?.get(partition);
  }
}
