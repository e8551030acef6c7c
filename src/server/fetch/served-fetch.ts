// One fetch request from its session to its answer, in steps: its partitions are taken into the session, a DelayedFetch reads them and
// waits, what is news is told to the session, the answer is written. A request for few partitions takes its steps one behind
// the other; one for very many in turns, and everybody else is served between two of them.

import { failure } from '../../base/failure.js';
import type { Logger } from '../../base/logger.js';
import type { TurnQueue } from '../../base/turn-queue.js';
import type { Commands } from '../../native/commands.js';
import type { Connection } from '../../network/connection.js';
import { ErrorCode } from '../../protocol/errors.js';
import type { ReplicaManager } from '../../replication/replica-manager.js';
import type { ReplicaQuota } from '../../replication/replication-quota.js';
import { AT_ONCE, DelayedFetch, LARGE, type FetchEnvironment, type FetchLimits } from './delayed-fetch.js';
import type { Asked, FetchAnswer } from './fetch-answer.js';
import { CONVERTED_BELOW, withhold } from './fetch-conversion.js';
import type { FetchEntry } from './fetch-entry.js';
import type { ReadRules } from './fetch-read.js';
import type { FetchContext, Opening } from './fetch-sessions.js';

const SESSIONS_FROM = 7;
const FOLLOWER = 0;

export interface ServedFetchOptions {
  readonly commands: Commands;
  readonly replicas: ReplicaManager;
  readonly turns: TurnQueue;
  readonly logger: Logger;
  readonly quota: ReplicaQuota;
  readonly newAnswer: () => FetchAnswer;
  /** A request that made its connection wait is answered. */
  readonly done: (connection: Connection) => void;
}

/** What a request says beside its partitions. */
export interface FetchTerms extends Asked {
  readonly rules: ReadRules;
  readonly limits: FetchLimits;
  /** It asks for an isolation level that there is not. */
  readonly invalid: boolean;
  /** Its frame is given back while it waits: what was asked is copied, and small. */
  readonly small: boolean;
  /** Partitions that it names, to fetch or to forget. */
  readonly asked: number;
}

type Open = Exclude<FetchContext, { kind: 'refused' }>;
type Stage = 'opening' | 'fetching' | 'telling' | 'answering' | 'over';

export class ServedFetch {
  readonly #terms: FetchTerms;
  readonly #opening: Opening;
  #answer: FetchAnswer;
  readonly #environment: FetchEnvironment;
  readonly #options: ServedFetchOptions;
  #stage: Stage = 'opening';
  #context: Open | undefined;
  #fetch: DelayedFetch | undefined;
  /** What is news to a session. */
  #told: FetchEntry[] = [];
  #next = 0;
  /** It takes its steps in turns. */
  #large: boolean;
  /** Its connection waits for it. */
  #waits = false;

  /** `answer` is everybody's: who writes in turns takes one of its own. */
  constructor(terms: FetchTerms, opening: Opening, answer: FetchAnswer, environment: FetchEnvironment, options: ServedFetchOptions) {
    this.#terms = terms;
    this.#opening = opening;
    this.#answer = answer;
    this.#environment = environment;
    this.#options = options;
    this.#large = terms.asked > LARGE;
  }

  /** True: it is answered. Otherwise its connection waits. */
  begin(): boolean {
    this.#goOn();
    if (this.#over) return true;
    this.#waits = true;
    const { small, slot, connection } = this.#terms;
    if (small) this.#options.commands.releaseFrame(slot);
    connection.onClosed = () => this.#abandon();
    return false;
  }

  get #over(): boolean {
    return this.#stage === 'over';
  }

  #goOn(): void {
    if (this.#large) {
      this.#options.turns.work(() => this.#step(), () => this.#options.commands.flush(), error => this.#fail(error));
      return;
    }
    try {
      while (this.#step());
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Does a part; false where there is nothing more to do at present. */
  #step(): boolean {
    switch (this.#stage) {
      case 'opening': return this.#opening.step(AT_ONCE) || this.#opened();
      case 'telling': return this.#tellSome();
      case 'answering':
        // With few it is written before anybody else can write one.
        if (this.#answer.step(AT_ONCE)) return true;
        this.#answer.send();
        this.#end();
        return false;
      default: return false;
    }
  }

  #opened(): boolean {
    const context = this.#opening.finish();
    if (context.kind === 'refused') return this.#say([], context.errorCode, 0);
    this.#context = context;
    if (this.#terms.invalid) return this.#refuse(context);
    this.#stage = 'fetching';
    const { rules, limits } = this.#terms;
    this.#fetch = new DelayedFetch(context.entries, rules, limits, this.#environment, () => this.#found(), error => this.#fail(error));
    this.#fetch.run();
    return false;
  }

  /** Versions without sessions have no place for an error but beside each partition. */
  #refuse(context: Open): boolean {
    const entries = this.#terms.apiVersion < SESSIONS_FROM ? context.entries : [];
    for (const entry of entries) entry.turnAway(ErrorCode.InvalidRequest);
    return this.#say(entries, ErrorCode.InvalidRequest, context.session?.id ?? 0);
  }

  #found(): void {
    this.#stage = 'telling';
    // A request that named few may be of a session that has very many.
    this.#large = this.#context!.entries.length > LARGE;
    this.#goOn();
  }

  /** A session hears what is told to its client: all of it the first time, later what is news. Partitions that are known come first (FullFetchContext). */
  #tellSome(): boolean {
    const context = this.#context!;
    const { entries, session } = context;
    if (this.#next === 0 && isOutdated(context)) return this.#refuseOutdated(context);
    const { known } = this.#fetch!;
    const withholds = this.#terms.apiVersion < CONVERTED_BELOW;
    for (const end = Math.min(entries.length, this.#next + AT_ONCE); this.#next < end; this.#next++) {
      const entry = entries[this.#next]!;
      const news = session === undefined || entry.hasNews(true);
      if (context.kind === 'incremental') {
        if (!news) continue;
        context.session.served(entry);
        this.#told.push(entry);
      } else if (this.#next >= known) session?.moveToEnd(entry);
      if (withholds) withhold(entry, this.#terms.apiVersion, this.#options.replicas, this.#environment.releaseSlice);
    }
    if (this.#next < entries.length) return true;
    const told = context.kind === 'incremental' ? this.#told : entries;
    if (this.#terms.rules.replicaId >= FOLLOWER) this.#countThrottled(told);
    return this.#say(told, ErrorCode.None, session?.id ?? 0);
  }

  #countThrottled(told: readonly FetchEntry[]): void {
    const { quota } = this.#options;
    let bytes = 0;
    for (const { topic, index, length } of told) if (length > 0 && quota.isThrottled(topic, index)) bytes += length;
    if (bytes > 0) quota.record(bytes);
  }

  /** Another request of the session was taken in meanwhile: what this one found is told to nobody, and remembered nowhere. */
  #refuseOutdated(context: Open): boolean {
    for (const entry of context.entries) entry.letGo(this.#environment.releaseSlice);
    return this.#say([], ErrorCode.InvalidFetchSessionEpoch, context.session!.id);
  }

  #say(entries: readonly FetchEntry[], errorCode: number, sessionId: number): boolean {
    const large = entries.length > LARGE;
    if (large) this.#answer = this.#options.newAnswer();
    this.#answer.begin(this.#terms, entries, errorCode, sessionId, large);
    this.#stage = 'answering';
    return true;
  }

  #end(): void {
    this.#stage = 'over';
    this.#context?.release();
    if (!this.#waits) return;
    const { connection } = this.#terms;
    connection.onClosed = undefined;
    this.#options.done(connection);
  }

  /** What went wrong with one request ends its connection, and nobody else's. */
  #fail(error: unknown): void {
    if (this.#over) return;
    const { connection, slot } = this.#terms;
    this.#options.logger.error({ connection: connection.id, error: failure(error) }, 'closing a connection: its request failed');
    this.#letGo();
    this.#options.commands.fail(slot);
    this.#end();
  }

  /** Its client has gone. */
  #abandon(): void {
    if (this.#over) return;
    this.#fetch?.abandon();
    this.#letGo();
    this.#stage = 'over';
    this.#context?.release();
    this.#options.commands.fail(this.#terms.slot);
  }

  #letGo(): void {
    if (this.#context === undefined) this.#opening.abandon();
    else for (const entry of this.#context.entries) entry.letGo(this.#environment.releaseSlice);
  }
}

function isOutdated(context: Open): boolean {
  return context.kind === 'incremental' && context.session.epoch !== context.epoch;
}
