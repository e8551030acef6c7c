// Fetch sessions: a client names its partitions once, and then only what changes (KIP-227, FetchSession.scala).

import type { Clock } from '../../base/clock.js';
import type { Random } from '../../base/random.js';
import { ErrorCode } from '../../protocol/errors.js';
import type { FetchRequestRows, FetchRequestView } from '../../protocol/hot/fetch.js';
import { FetchEntry } from './fetch-entry.js';

const TOPIC_IDS_FROM = 13;
const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';
const NO_SESSION = 0;
const INITIAL_EPOCH = 0;
const FINAL_EPOCH = -1;
/** Who is idle so long, or has been here so long, may be pushed out (MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS). */
const EVICTABLE_MS = 120_000;
const LARGEST = 0x7fffffff;
/**
 * What all sessions, and one, may weigh: a topic and a partition count one each, and a topic more where its name is longer
 * than any can be. Beyond, clients go on with full fetches.
 */
const MOST_REMEMBERED = 500_000;
const MOST_IN_A_SESSION = 100_000;
/** A session so large is not copied for a second request at the same time: that one is refused. */
const MOST_COPIED = 1000;
/** Of names up to this length a topic counts one. */
const NAME_UNIT = 256;
const PARTITIONS = 2 ** 32;

/** Numbers topics, by name up to version 12 and by id from 13 on, so that a partition's key is a number. */
class Topics {
  readonly #numbers = new Map<string, number>();
  weight = 0;

  /** The key of its partition 0. */
  keyOf(name: string, id: string): number {
    const topic = name === '' ? id : name;
    let number = this.#numbers.get(topic);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(topic, number);
      this.weight += 1 + Math.floor(topic.length / NAME_UNIT);
    }
    return number * PARTITIONS;
  }
}

export class FetchSession {
  readonly id: number;
  readonly usesTopicIds: boolean;
  /** Followers' sessions are not pushed out by consumers'. */
  readonly privileged: boolean;
  readonly created: number;
  /** In serving order (see served()). */
  readonly entries: Map<number, FetchEntry>;
  /** All it ever named. */
  readonly topics: Topics;
  /** As it counts among those remembered. */
  weight: number;
  epoch = 1;
  lastUsed: number;
  /** A request is being answered from the very entries. Another that comes meanwhile, by another connection, gets copies. */
  inUse = false;

  constructor(id: number, usesTopicIds: boolean, privileged: boolean, now: number, entries: Map<number, FetchEntry>, topics: Topics) {
    this.id = id;
    this.usesTopicIds = usesTopicIds;
    this.privileged = privileged;
    this.created = now;
    this.lastUsed = now;
    this.entries = entries;
    this.topics = topics;
    this.weight = entries.size + topics.weight;
  }

  /** A partition that gave records is served last the next time, so that none starves. */
  served(entry: FetchEntry): void {
    if (entry.length > 0) this.moveToEnd(entry);
  }

  moveToEnd(entry: FetchEntry): void {
    if (this.entries.delete(entry.key)) this.entries.set(entry.key, entry);
  }
}

const NOTHING_TO_RELEASE = (): void => {};

function taken(session: FetchSession): () => void {
  session.inUse = true;
  return () => { session.inUse = false; };
}

/** Who asks for another is refused, and gets no session. */
export function isIsolationLevel(level: number): boolean {
  return level === 0 || level === 1;
}

/** What a request is, seen from its session. */
export type FetchContext =
  /** Everything asked is answered; `session` is new, and undefined where there is none. */
  | { readonly kind: 'full'; readonly entries: FetchEntry[]; readonly session: FetchSession | undefined; readonly release: () => void }
  /**
   * `release` is to be called when the request is over. It is no longer the session's last one if that has left `epoch`
   * by then.
   */
  | { readonly kind: 'incremental'; readonly entries: FetchEntry[]; readonly session: FetchSession; readonly epoch: number; readonly release: () => void }
  | { readonly kind: 'refused'; readonly errorCode: number };

/** A request that is being taken in, row by row. */
export interface Opening {
  /** Goes through `rows` further rows; false where none are left. */
  step(rows: number): boolean;
  /** Behind the last step. */
  finish(): FetchContext;
  /** Instead of finish(), where nobody is there to be answered any more. */
  abandon(): void;
}

export class FetchSessions {
  readonly #sessions = new Map<number, FetchSession>();
  readonly #slots: () => number;
  readonly #clock: Clock;
  readonly #random: Random;
  /** Weight of all sessions. */
  #remembered = 0;

  constructor(slots: () => number, clock: Clock, random: Random) {
    this.#slots = slots;
    this.#clock = clock;
    this.#random = random;
  }

  get size(): number {
    return this.#sessions.size;
  }

  get remembered(): number {
    return this.#remembered;
  }

  /** `view` must say the same until the end. */
  begin(view: FetchRequestView, apiVersion: number): Opening {
    const { sessionId, sessionEpoch } = view;
    if (sessionEpoch === INITIAL_EPOCH || sessionEpoch === FINAL_EPOCH) {
      // A full fetch ends whatever session it names.
      const named = sessionId === NO_SESSION ? undefined : this.#sessions.get(sessionId);
      if (named !== undefined) this.#drop(named);
      if (sessionEpoch === INITIAL_EPOCH && apiVersion >= TOPIC_IDS_FROM && holdsZeroId(view.rows)) return refusing(ErrorCode.InvalidRequest);
      return this.#full(view, apiVersion, sessionEpoch === INITIAL_EPOCH && apiVersion >= 7 && isIsolationLevel(view.isolationLevel));
    }
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return refusing(ErrorCode.FetchSessionIdNotFound);
    if (session.epoch !== sessionEpoch) return refusing(ErrorCode.InvalidFetchSessionEpoch);
    if (session.usesTopicIds !== apiVersion >= TOPIC_IDS_FROM) return refusing(ErrorCode.FetchSessionTopicIdError);
    if (session.inUse && session.entries.size > MOST_COPIED) return refusing(ErrorCode.InvalidFetchSessionEpoch);
    if (apiVersion >= TOPIC_IDS_FROM && (holdsZeroId(view.rows) || holdsZeroId(view.forgotten))) return refusing(ErrorCode.InvalidRequest);
    session.epoch = session.epoch === LARGEST ? 1 : session.epoch + 1;
    return this.#incremental(session, view);
  }

  #full(view: FetchRequestView, apiVersion: number, mayHaveSession: boolean): Opening {
    const byKey = new Map<number, FetchEntry>();
    const topics = new Topics();
    const asked = new Rows(view.rows, topics);
    return {
      step: rows => asked.each(rows, (key, row, topic) => {
        byKey.set(key, filled(new FetchEntry(view.rows.topic(topic), view.rows.topicId(topic), view.rows.partition[row]!, key), view, row));
      }),
      finish: () => {
        const entries = [...byKey.values()];
        const session = mayHaveSession ? this.#create(apiVersion >= TOPIC_IDS_FROM, view.replicaId >= 0, byKey, topics) : undefined;
        return { kind: 'full', entries, session, release: session === undefined ? NOTHING_TO_RELEASE : taken(session) };
      },
      abandon: NOTHING_TO_RELEASE,
    };
  }

  #incremental(session: FetchSession, view: FetchRequestView): Opening {
    const { entries } = session;
    // What another request is reading by must not change under it.
    const shares = session.inUse;
    const release = shares ? NOTHING_TO_RELEASE : taken(session);
    const asked = new Rows(view.rows, session.topics);
    const forgotten = new Rows(view.forgotten, session.topics);
    const ask = (key: number, row: number, topic: number): void => {
      let entry = entries.get(key);
      if (entry !== undefined && shares) entries.set(key, (entry = entry.copy()));
      if (entry === undefined) entries.set(key, (entry = new FetchEntry(view.rows.topic(topic), view.rows.topicId(topic), view.rows.partition[row]!, key)));
      filled(entry, view, row);
    };
    const forget = (key: number): void => void entries.delete(key);
    return {
      step: rows => asked.each(rows, ask) || forgotten.each(rows, forget),
      finish: () => {
        if (entries.size > 0) return this.#continue(session, shares, release);
        // Nothing is left to fetch: the session ends, and the answer says so by having none. What was asked and forgotten in
        // one breath is answered all the same.
        this.#drop(session);
        const once = this.#full(view, session.usesTopicIds ? TOPIC_IDS_FROM : TOPIC_IDS_FROM - 1, false);
        once.step(Number.MAX_SAFE_INTEGER);
        return once.finish();
      },
      abandon: release,
    };
  }

  #continue(session: FetchSession, shares: boolean, release: () => void): FetchContext {
    const { entries } = session;
    const now = this.#clock.monotonic();
    session.lastUsed = now;
    this.#weigh(session);
    if (session.weight > MOST_IN_A_SESSION || !this.#makeRoom(session, now)) {
      this.#drop(session);
      return { kind: 'refused', errorCode: ErrorCode.FetchSessionIdNotFound };
    }
    const all = [...entries.values()];
    return { kind: 'incremental', entries: shares ? all.map(entry => entry.copy()) : all, session, epoch: session.epoch, release };
  }

  #weigh(session: FetchSession): void {
    const weight = session.entries.size + session.topics.weight;
    if (this.#sessions.get(session.id) === session) this.#remembered += weight - session.weight;
    session.weight = weight;
  }

  #drop(session: FetchSession): boolean {
    if (this.#sessions.get(session.id) !== session) return false;
    this.#remembered -= session.weight;
    return this.#sessions.delete(session.id);
  }

  /** Undefined: there is no room, and whoever has it is worth more. The client goes on with full fetches. */
  #create(usesTopicIds: boolean, privileged: boolean, entries: Map<number, FetchEntry>, topics: Topics): FetchSession | undefined {
    const now = this.#clock.monotonic();
    let id: number;
    do id = 1 + this.#random.int(LARGEST - 1);
    while (this.#sessions.has(id));
    const session = new FetchSession(id, usesTopicIds, privileged, now, entries, topics);
    if (session.weight > MOST_IN_A_SESSION || !this.#makeRoom(session, now)) return undefined;
    this.#sessions.set(id, session);
    this.#remembered += session.weight;
    return session;
  }

  /**
   * Pushes out as many as it takes for this session to be remembered: a new one, even of no partition, needs a slot too
   * (tryEvict of FetchSessionCache). False: it does not fit, and nobody was pushed out.
   */
  #makeRoom(session: FetchSession, now: number): boolean {
    const isNew = !this.#sessions.has(session.id);
    let needsSlot = isNew && this.#sessions.size >= this.#slots();
    let tooMuch = this.#remembered + (isNew ? session.weight : 0) - MOST_REMEMBERED;
    if (!needsSlot && tooMuch <= 0) return true;
    const going = new Set<FetchSession>();
    const push = (other: FetchSession): void => {
      going.add(other);
      needsSlot = false;
      tooMuch -= other.weight;
    };
    for (const other of this.#evictable(session, now)) {
      push(other);
      if (tooMuch <= 0) break;
    }
    if (needsSlot) {
      // Of its own rank a smaller one, for a slot only: the larger gains more by it. Weight gains all of them the same.
      const least = this.#smallest(other => now - other.created > EVICTABLE_MS && other.privileged === session.privileged && other.entries.size < session.entries.size);
      if (least !== undefined) push(least);
    }
    if (needsSlot || tooMuch > 0) return false;
    for (const other of going) this.#drop(other);
    return true;
  }

  /** Those who are idle, the longest first; then those whom a follower outranks, the smallest first. */
  *#evictable(session: FetchSession, now: number): Generator<FetchSession> {
    const others = [...this.#sessions.values()].filter(other => other !== session);
    const idle = (other: FetchSession): boolean => now - other.lastUsed > EVICTABLE_MS;
    yield* others.filter(idle).sort((a, b) => a.lastUsed - b.lastUsed);
    if (session.privileged) yield* others.filter(other => !other.privileged && !idle(other)).sort((a, b) => a.entries.size - b.entries.size);
  }

  #smallest(among: (session: FetchSession) => boolean): FetchSession | undefined {
    let smallest: FetchSession | undefined;
    for (const session of this.#sessions.values()) {
      if (among(session) && (smallest === undefined || session.entries.size < smallest.entries.size)) smallest = session;
    }
    return smallest;
  }
}

/** Goes through the partitions of a request, with their keys, as far as it is let. */
class Rows {
  readonly #rows: FetchRequestRows;
  readonly #topics: Topics;
  #topic = 0;
  #row = 0;

  constructor(rows: FetchRequestRows, topics: Topics) {
    this.#rows = rows;
    this.#topics = topics;
  }

  /** Calls for up to `most` rows; false where none are left. */
  each(most: number, call: (key: number, row: number, topic: number) => void): boolean {
    const rows = this.#rows;
    let left = most;
    for (; this.#topic < rows.topicCount; this.#topic++) {
      const first = this.#topics.keyOf(rows.topic(this.#topic), rows.topicId(this.#topic));
      const end = rows.firstPartition(this.#topic + 1);
      for (; this.#row < end; this.#row++) {
        if (left-- === 0) return true;
        call(first + (rows.partition[this.#row]! >>> 0), this.#row, this.#topic);
      }
    }
    return false;
  }
}

/**
 * By the zero id no topic can be remembered: Kafka fails on it, unless there is to be no session. What a new session is to
 * forget is not looked at.
 */
function holdsZeroId(asked: { readonly topicCount: number; topicId(topic: number): string }): boolean {
  for (let topic = 0; topic < asked.topicCount; topic++) if (asked.topicId(topic) === ZERO_ID) return true;
  return false;
}

function refusing(errorCode: number): Opening {
  return { step: () => false, finish: () => ({ kind: 'refused', errorCode }), abandon: NOTHING_TO_RELEASE };
}

function filled(entry: FetchEntry, view: FetchRequestView, row: number): FetchEntry {
  const { rows } = view;
  entry.ask(rows.fetchOffset[row]!, rows.currentLeaderEpoch[row]!, rows.lastFetchedEpoch[row]!, rows.logStartOffset[row]!, rows.maxBytes[row]!);
  return entry;
}
