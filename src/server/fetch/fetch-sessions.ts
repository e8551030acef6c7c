// Fetch sessions: a client names its partitions once, and then only what changes (KIP-227, FetchSession.scala).

import type { Clock } from '../../base/clock.js';
import type { Random } from '../../base/random.js';
import { ErrorCode } from '../../protocol/errors.js';
import type { FetchRequestView } from '../../protocol/hot/fetch.js';
import { FetchEntry } from './fetch-entry.js';

const NO_SESSION = 0;
const INITIAL_EPOCH = 0;
const FINAL_EPOCH = -1;
const EVICTABLE_MS = 120_000;
const LARGEST = 0x7fffffff;
/** Partitions, of all sessions and of one. Beyond, clients go on with full fetches. */
const MOST_REMEMBERED = 500_000;
const MOST_IN_A_SESSION = 100_000;

export class FetchSession {
  readonly id: number;
  readonly usesTopicIds: boolean;
  /** Followers' sessions are not pushed out by consumers'. */
  readonly privileged: boolean;
  readonly created: number;
  /** In serving order: a partition that gave records goes to the end. */
  readonly entries = new Map<string, FetchEntry>();
  epoch = 1;
  lastUsed: number;
  /** A request is being answered from the very entries. Another that comes meanwhile, by another connection, gets copies. */
  inUse = false;

  constructor(id: number, usesTopicIds: boolean, privileged: boolean, now: number) {
    this.id = id;
    this.usesTopicIds = usesTopicIds;
    this.privileged = privileged;
    this.created = now;
    this.lastUsed = now;
  }
}

const NOTHING_TO_RELEASE = (): void => {};

function taken(session: FetchSession): () => void {
  session.inUse = true;
  return () => { session.inUse = false; };
}

/** What a request is, seen from its session. */
export type FetchContext =
  /** Everything asked is answered; `session` is new, and undefined where there is none. */
  | { readonly kind: 'full'; readonly entries: FetchEntry[]; readonly session: FetchSession | undefined; readonly release: () => void }
  /** `release` is to be called when the request is over. */
  | { readonly kind: 'incremental'; readonly entries: FetchEntry[]; readonly session: FetchSession; readonly release: () => void }
  | { readonly kind: 'refused'; readonly errorCode: number };

export class FetchSessions {
  readonly #sessions = new Map<number, FetchSession>();
  readonly #slots: () => number;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(slots: () => number, clock: Clock, random: Random) {
    this.#slots = slots;
    this.#clock = clock;
    this.#random = random;
  }

  get size(): number {
    return this.#sessions.size;
  }

  open(view: FetchRequestView, apiVersion: number): FetchContext {
    const { sessionId, sessionEpoch } = view;
    if (sessionEpoch === INITIAL_EPOCH || sessionEpoch === FINAL_EPOCH) {
      // A full fetch ends whatever session it names.
      if (sessionId !== NO_SESSION) this.#sessions.delete(sessionId);
      return this.#full(view, apiVersion, sessionEpoch === INITIAL_EPOCH && apiVersion >= 7);
    }
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return { kind: 'refused', errorCode: ErrorCode.FetchSessionIdNotFound };
    if (session.epoch !== sessionEpoch) return { kind: 'refused', errorCode: ErrorCode.InvalidFetchSessionEpoch };
    if (session.usesTopicIds !== apiVersion >= 13) return { kind: 'refused', errorCode: ErrorCode.FetchSessionTopicIdError };
    session.epoch = session.epoch === LARGEST ? 1 : session.epoch + 1;
    return this.#incremental(session, view);
  }

  #full(view: FetchRequestView, apiVersion: number, mayHaveSession: boolean): FetchContext {
    const byKey = new Map<string, FetchEntry>();
    forEachAsked(view, (key, row, topic) => byKey.set(key, filled(new FetchEntry(view.rows.topic(topic), view.rows.topicId(topic), view.rows.partition[row]!), view, row)));
    const entries = [...byKey.values()];
    const session = mayHaveSession && entries.length > 0 ? this.#create(apiVersion >= 13, view.replicaId >= 0, entries.length) : undefined;
    if (session === undefined) return { kind: 'full', entries, session, release: NOTHING_TO_RELEASE };
    for (const [key, entry] of byKey) session.entries.set(key, entry);
    return { kind: 'full', entries, session, release: taken(session) };
  }

  #incremental(session: FetchSession, view: FetchRequestView): FetchContext {
    const { entries } = session;
    forEachAsked(view, (key, row, topic) => {
      let entry = entries.get(key);
      // What another request is reading by must not change under it.
      if (entry !== undefined && session.inUse) entries.set(key, (entry = entry.copy()));
      if (entry === undefined) entries.set(key, (entry = new FetchEntry(view.rows.topic(topic), view.rows.topicId(topic), view.rows.partition[row]!)));
      filled(entry, view, row);
    });
    const { forgotten } = view;
    for (let topic = 0; topic < forgotten.topicCount; topic++) {
      const name = keyOf(forgotten.topic(topic), forgotten.topicId(topic));
      for (let row = forgotten.firstPartition(topic); row < forgotten.firstPartition(topic + 1); row++) entries.delete(`${name}:${forgotten.partition[row]}`);
    }
    session.lastUsed = this.#clock.monotonic();
    if (entries.size > MOST_IN_A_SESSION) {
      this.#sessions.delete(session.id);
      return { kind: 'refused', errorCode: ErrorCode.FetchSessionIdNotFound };
    }
    if (entries.size === 0) {
      // Nothing is left to fetch: the session ends, and the answer says so by having none.
      this.#sessions.delete(session.id);
      return { kind: 'full', entries: [], session: undefined, release: NOTHING_TO_RELEASE };
    }
    const shared = [...entries.values()];
    if (session.inUse) return { kind: 'incremental', entries: shared.map(entry => entry.copy()), session, release: NOTHING_TO_RELEASE };
    return { kind: 'incremental', entries: shared, session, release: taken(session) };
  }

  /** Undefined: every slot is taken by sessions that are worth more. The client goes on with full fetches. */
  #create(usesTopicIds: boolean, privileged: boolean, size: number): FetchSession | undefined {
    const now = this.#clock.monotonic();
    if (this.#sessions.size >= this.#slots() && !this.#evict(privileged, size, now)) return undefined;
    // Slots bound the sessions; this bounds what they remember.
    let remembered = size;
    for (const session of this.#sessions.values()) remembered += session.entries.size;
    if (remembered > MOST_REMEMBERED) return undefined;
    let id: number;
    do id = 1 + this.#random.int(LARGEST - 1);
    while (this.#sessions.has(id));
    const session = new FetchSession(id, usesTopicIds, privileged, now);
    this.#sessions.set(id, session);
    return session;
  }

  #evict(privileged: boolean, size: number, now: number): boolean {
    let victim: FetchSession | undefined;
    for (const session of this.#sessions.values()) {
      const idle = now - session.lastUsed > EVICTABLE_MS;
      const outweighed = now - session.created > EVICTABLE_MS && session.entries.size < size;
      const outranked = privileged && !session.privileged;
      if ((idle || outranked || (outweighed && session.privileged === privileged)) && (victim === undefined || session.lastUsed < victim.lastUsed)) victim = session;
    }
    return victim !== undefined && this.#sessions.delete(victim.id);
  }
}

function forEachAsked(view: FetchRequestView, each: (key: string, row: number, topic: number) => void): void {
  const { rows } = view;
  for (let topic = 0; topic < rows.topicCount; topic++) {
    const name = keyOf(rows.topic(topic), rows.topicId(topic));
    for (let row = rows.firstPartition(topic); row < rows.firstPartition(topic + 1); row++) each(`${name}:${rows.partition[row]}`, row, topic);
  }
}

/** Topic names up to version 12, ids after. */
function keyOf(name: string, id: string): string {
  return name === '' ? id : name;
}

function filled(entry: FetchEntry, view: FetchRequestView, row: number): FetchEntry {
  const { rows } = view;
  entry.ask(rows.fetchOffset[row]!, rows.currentLeaderEpoch[row]!, rows.lastFetchedEpoch[row]!, rows.maxBytes[row]!);
  return entry;
}
