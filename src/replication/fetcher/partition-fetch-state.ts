import type { FollowedPartition, FollowerAppendEnd, InitialFetchState } from './followed-partition.js';
import type { SessionRow } from './session-row.js';

/** No batch has been fetched whose epoch is known. */
export const NO_EPOCH = -1;
const NOT_DELAYED = -1;
/** Nothing was answered yet. */
export const UNKNOWN_LAG = -1;

/**
 * How far one partition is fetched, in one epoch of its leader (PartitionFetchState of AbstractFetcherThread.scala). A new
 * epoch is a new object, so whoever comes back from a wait sees by the object whether what it knew still holds.
 */
export class PartitionFetchState {
  readonly partition: FollowedPartition;
  readonly leader: number;
  readonly leaderEpoch: number;
  topicId: string;
  fetchOffset: number;
  /** Of the last batch in the log: where the leader's log parts from ours, its answer says so. */
  lastFetchedEpoch: number;
  /** Offsets below the leader's watermark that are not here. */
  lag = UNKNOWN_LAG;
  /** Nothing is fetched before the log is cut to where it parts from the leader's. */
  truncating: boolean;
  /** Until then it is left alone. */
  delayedUntil = NOT_DELAYED;
  /** Its log is at work for us, or still for whoever fetched it before: nothing is decided by what it says. */
  busy = false;
  /** Its place in the session with the leader. */
  row: SessionRow | undefined;
  /** It left its fetcher. */
  gone = false;
  /** Told when a log that was at work as its state left has come to rest. */
  rested: (() => void) | undefined;
  /** What the answer under way says beside its records. */
  saidWatermark = 0;
  saidStartOffset = 0;
  /** Where those records lie. */
  recordsAt = 0;
  recordsLength = 0;
  /** Made once, so that an append makes nothing. */
  readonly appendEnded: (end: FollowerAppendEnd) => void;

  /**
   * From protocol 2.7 on the answer to a fetch tells where the logs part, so that fetching begins at the end of ours. Where that
   * cannot be told (older protocols, no epoch known here), fetching begins at the watermark, and truncation comes first.
   */
  constructor(initial: InitialFetchState, tellsDivergence: boolean, appendEnded: (state: PartitionFetchState, end: FollowerAppendEnd) => void) {
    this.partition = initial.partition;
    this.leader = initial.leader;
    this.leaderEpoch = initial.leaderEpoch;
    this.topicId = initial.topicId;
    this.fetchOffset = 0;
    this.lastFetchedEpoch = NO_EPOCH;
    this.truncating = false;
    this.appendEnded = end => appendEnded(this, end);
    this.begin(tellsDivergence);
  }

  /** Reads off the log where to begin. Whoever finds it at work calls this again when it rests. */
  begin(tellsDivergence: boolean): void {
    const { log, highWatermark } = this.partition;
    if (log === undefined) return;
    const latest = tellsDivergence ? log.epochs.latestEpoch : NO_EPOCH;
    this.lastFetchedEpoch = latest;
    this.truncating = latest === NO_EPOCH;
    this.fetchOffset = this.truncating ? highWatermark : log.endOffset;
  }

  get isDelayed(): boolean {
    return this.delayedUntil !== NOT_DELAYED;
  }

  delay(until: number): void {
    this.delayedUntil = until;
  }

  endDelay(): void {
    this.delayedUntil = NOT_DELAYED;
  }

  get isReadyForFetch(): boolean {
    return !this.truncating && !this.busy && !this.isDelayed && !this.gone;
  }

  get isReplicaInSync(): boolean {
    return this.lag === 0;
  }
}
