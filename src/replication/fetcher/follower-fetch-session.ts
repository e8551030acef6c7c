// The follower's side of a fetch session (KIP-227; FetchSessionHandler.java): the leader remembers what we fetch, and each
// request tells it what changed. Here a change is noticed where it happens, so that a fetch costs what changed and not
// what is followed.

import type { FetchResponseView } from '../../protocol/hot/fetch-response-view.js';
import type { FetchRequestRows } from '../../protocol/hot/fetch-rows.js';
import type { ReplicaFetchRequest } from '../../protocol/hot/replica-fetch-request.js';
import { ErrorCode } from '../../protocol/errors.js';
import type { PartitionFetchState } from './partition-fetch-state.js';
import { NO_TOPIC_ID, SessionRow, type SessionTopic } from './session-row.js';

const NO_SESSION = 0;
/** A request with this epoch tells everything, and asks for a session. */
const FULL = 0;
const LARGEST_EPOCH = 0x7fffffff;
/** No request tells more than so many changes; the rest goes with the next one. */
export const CHANGES_AT_ONCE = 1000;
/** So many rows are looked at with each request, in turn: has the log's start moved? Nobody else would tell the leader. */
const SWEPT_AT_ONCE = 16;
/** From here on requests and answers name topics by their ids. */
export const FIRST_WITH_TOPIC_IDS = 13;

/** What became of an answer: to be processed; passed over (the next request begins anew); or failed, as if it had not come. */
export type Handled = 'taken' | 'passed over' | 'failed';

export class FollowerFetchSession {
  readonly #topics = new Map<string, SessionTopic>();
  /** By the id under which the leader was told of them, with the number of rows it was told so. */
  readonly #topicsById = new Map<string, { readonly topic: SessionTopic; told: number }>();
  readonly #rows = new Set<SessionRow>();
  readonly #changed = new Set<SessionRow>();
  readonly #replaced: { topic: string; topicId: string; index: number }[] = [];
  #answered: SessionRow[] = [];
  #sweep: IterableIterator<SessionRow> | undefined;
  #id = NO_SESSION;
  #epoch = FULL;
  /** The leader gave no session: every request tells everything. */
  #refused = false;
  #told = 0;
  #toldWithoutId = 0;
  #forgotWithoutId = false;

  /** Rows in the leader's session, or in its full request. */
  get size(): number {
    return this.#told;
  }

  /** There is more to tell than the last request did. */
  get hasMore(): boolean {
    return this.#changed.size > 0;
  }

  /** Every topic that the request names has an id. */
  get canUseTopicIds(): boolean {
    return this.#toldWithoutId === 0 && !this.#forgotWithoutId;
  }

  follow(state: PartitionFetchState): void {
    const { topic, index } = state.partition;
    let of = this.#topics.get(topic);
    if (of === undefined) this.#topics.set(topic, (of = { rows: [], count: 0 }));
    let row = of.rows[index];
    if (row === undefined) {
      of.rows[index] = row = new SessionRow(topic, index);
      of.count++;
      this.#rows.add(row);
    }
    row.state = state;
    state.row = row;
    this.#changed.add(row);
  }

  leave(state: PartitionFetchState): void {
    const row = state.row!;
    if (row.state !== state) return;
    row.state = undefined;
    this.#changed.add(row);
  }

  /** Something of the state is new, or it is ready again, or no more. */
  changed({ row }: PartitionFetchState): void {
    this.#changed.add(row!);
  }

  allChanged(): void {
    for (const row of this.#rows) this.#changed.add(row);
  }

  /** Tells in `request` what changed. `wants`: is the partition to be fetched now? */
  build(request: ReplicaFetchRequest, partitionMaxBytes: number, wants: (state: PartitionFetchState) => boolean): void {
    request.clear();
    request.sessionId = this.#id;
    request.sessionEpoch = this.#epoch;
    this.#forgotWithoutId = false;
    this.#replaced.length = 0;
    this.#lookAtStarts();
    let room = this.#refused ? Number.POSITIVE_INFINITY : CHANGES_AT_ONCE;
    for (const row of this.#changed) {
      if (room-- === 0) break;
      this.#changed.delete(row);
      const { state } = row;
      const log = state !== undefined && wants(state) ? state.partition.log : undefined;
      if (log === undefined) this.#forget(request, row);
      else this.#tell(request, row, state!, log.startOffset, partitionMaxBytes);
    }
    // Where topics go by name, who takes another's place is just told anew.
    if (this.canUseTopicIds) for (const { topic, topicId, index } of this.#replaced) addRow(request.forgotten, topic, topicId, index);
  }

  #forget(request: ReplicaFetchRequest, row: SessionRow): void {
    if (row.told) {
      addRow(request.forgotten, row.topic, row.topicId, row.index);
      if (row.topicId === NO_TOPIC_ID) this.#forgotWithoutId = true;
      this.#untold(row);
    }
    row.asked = undefined;
    if (row.state !== undefined) return;
    const topic = this.#topics.get(row.topic)!;
    topic.rows[row.index] = undefined;
    if (--topic.count === 0) this.#topics.delete(row.topic);
    this.#rows.delete(row);
  }

  #tell(request: ReplicaFetchRequest, row: SessionRow, state: PartitionFetchState, logStartOffset: number, partitionMaxBytes: number): void {
    if (row.isToldAs(state, logStartOffset)) {
      row.asked = state;
      return;
    }
    if (row.told && row.topicId !== state.topicId) {
      if (row.topicId !== NO_TOPIC_ID && state.topicId !== NO_TOPIC_ID) this.#replaced.push({ topic: row.topic, topicId: row.topicId, index: row.index });
      this.#untold(row);
    }
    if (!row.told) this.#newlyTold(row, state.topicId);
    row.tell(state, logStartOffset);
    const { rows } = request;
    const at = addRow(rows, row.topic, state.topicId, row.index);
    rows.currentLeaderEpoch[at] = state.leaderEpoch;
    rows.fetchOffset[at] = state.fetchOffset;
    rows.lastFetchedEpoch[at] = state.lastFetchedEpoch;
    rows.logStartOffset[at] = logStartOffset;
    rows.maxBytes[at] = partitionMaxBytes;
  }

  #newlyTold(row: SessionRow, topicId: string): void {
    this.#told++;
    if (topicId === NO_TOPIC_ID) {
      this.#toldWithoutId++;
      return;
    }
    const topic = this.#topics.get(row.topic)!;
    const known = this.#topicsById.get(topicId);
    if (known !== undefined) known.told++;
    else this.#topicsById.set(topicId, { topic, told: 1 });
  }

  #untold(row: SessionRow): void {
    row.told = false;
    this.#told--;
    if (row.topicId === NO_TOPIC_ID) {
      this.#toldWithoutId--;
      return;
    }
    const known = this.#topicsById.get(row.topicId)!;
    if (--known.told === 0) this.#topicsById.delete(row.topicId);
  }

  #lookAtStarts(): void {
    for (let left = Math.min(SWEPT_AT_ONCE, this.#rows.size); left > 0; left--) {
      this.#sweep ??= this.#rows.values();
      const next = this.#sweep.next();
      if (next.done === true) this.#sweep = undefined;
      else if (next.value.told && next.value.state?.partition.log?.startOffset !== next.value.logStartOffset) this.#changed.add(next.value);
    }
  }

  /** Where the partition of the answer's row stands; of one that was taken. */
  answered(row: number): SessionRow {
    return this.#answered[row]!;
  }

  handleAnswer(answer: FetchResponseView): Handled {
    if (answer.errorCode !== ErrorCode.None) {
      if (answer.errorCode === ErrorCode.FetchSessionIdNotFound) this.#restart(NO_SESSION);
      else this.#restart(this.#id);
      return answer.errorCode === ErrorCode.FetchSessionTopicIdError ? 'failed' : 'passed over';
    }
    const known = this.#resolve(answer);
    if (this.#epoch === FULL) {
      // With something left out or made up it is no answer; an empty one may be a throttled one (KIP-219).
      if (!known || answer.partitionCount !== this.#told) {
        this.#restart(NO_SESSION);
        return 'passed over';
      }
      this.#refused = answer.sessionId === NO_SESSION;
    } else if (!known) {
      this.#restart(this.#id);
      return 'passed over';
    }
    if (answer.sessionId === NO_SESSION) {
      this.#restart(NO_SESSION);
    } else {
      this.#id = answer.sessionId;
      this.#epoch = this.#epoch === LARGEST_EPOCH ? 1 : this.#epoch + 1;
    }
    return 'taken';
  }

  /** No answer came. Whatever the leader knows of the session by now, the next request closes it and asks for a new one. */
  handleError(): void {
    this.#restart(this.#id);
  }

  #restart(id: number): void {
    this.#id = id;
    this.#epoch = FULL;
    for (const row of this.#rows) {
      row.told = false;
      this.#changed.add(row);
    }
    this.#told = 0;
    this.#toldWithoutId = 0;
    this.#topicsById.clear();
  }

  /** Finds the rows of an answer; false where one is of nobody in the session. */
  #resolve(answer: FetchResponseView): boolean {
    if (this.#answered.length > CHANGES_AT_ONCE) this.#answered = [];
    for (let index = 0; index < answer.topicCount; index++) {
      const id = answer.topicId(index);
      const topic = id === NO_TOPIC_ID ? this.#topics.get(answer.topic(index)) : this.#topicsById.get(id)?.topic;
      const end = answer.firstPartition(index + 1);
      for (let at = answer.firstPartition(index); at < end; at++) {
        const row = topic?.rows[answer.partition[at]!];
        if (row === undefined || !row.told || (id !== NO_TOPIC_ID && row.topicId !== id)) return false;
        this.#answered[at] = row;
      }
    }
    return true;
  }
}

/** Rows of one topic that follow each other stand under it together. */
function addRow(rows: FetchRequestRows, topic: string, topicId: string, index: number): number {
  const last = rows.topicCount - 1;
  if (last < 0 || rows.topic(last) !== topic || rows.topicId(last) !== topicId) rows.addTopic(topic, topicId);
  return rows.addPartition(index);
}
