// What a leader knows of another broker's replica, from that broker's fetches (Replica.scala).

export const UNKNOWN_OFFSET = -1;
const NEVER = Number.NEGATIVE_INFINITY;

export class RemoteReplica {
  readonly brokerId: number;
  /** Everything below it is on the replica; UNKNOWN_OFFSET until it fetched from this leader. */
  endOffset = UNKNOWN_OFFSET;
  startOffset = UNKNOWN_OFFSET;
  /** The last time at which it had all that the leader had. */
  lastCaughtUpTime = NEVER;
  /** Of the life of the broker that fetched; -1 from old versions, undefined before the first fetch. */
  brokerEpoch: number | undefined;
  /** It counts for the high watermark: it is in the ISR, or is about to be. Kept by LeaderState. */
  inMaximalIsr = false;
  #lastFetchTime = NEVER;
  #leaderEndAtLastFetch = UNKNOWN_OFFSET;

  constructor(brokerId: number) {
    this.brokerId = brokerId;
  }

  /**
   * It fetched from `offset`, when the leader ended at `leaderEnd`: it is caught up as of now, or, if it has reached where the
   * leader ended at its fetch before, as of then. So a replica that is always a little behind counts as caught up.
   */
  fetched(offset: number, startOffset: number, leaderEnd: number, now: number, brokerEpoch: number): void {
    if (offset >= leaderEnd) this.lastCaughtUpTime = Math.max(this.lastCaughtUpTime, now);
    else if (offset >= this.#leaderEndAtLastFetch) this.lastCaughtUpTime = Math.max(this.lastCaughtUpTime, this.#lastFetchTime);
    this.startOffset = startOffset;
    this.endOffset = offset;
    this.#leaderEndAtLastFetch = Math.max(leaderEnd, this.#leaderEndAtLastFetch);
    this.#lastFetchTime = now;
    this.brokerEpoch = brokerEpoch;
  }

  /** This broker is elected: nothing is known of the replica but whether it is in sync. */
  elected(now: number, inSync: boolean): void {
    this.endOffset = UNKNOWN_OFFSET;
    this.startOffset = UNKNOWN_OFFSET;
    this.#leaderEndAtLastFetch = UNKNOWN_OFFSET;
    this.#lastFetchTime = NEVER;
    this.lastCaughtUpTime = inSync ? now : NEVER;
    this.brokerEpoch = undefined;
  }

  /** This broker, who led already, is elected again: the log is the same, so what the replica has it has. */
  reelected(now: number, leaderEnd: number, inSync: boolean): void {
    this.#leaderEndAtLastFetch = leaderEnd;
    this.#lastFetchTime = inSync ? now : NEVER;
    this.lastCaughtUpTime = inSync ? now : NEVER;
  }

  isCaughtUp(leaderEnd: number, now: number, maxLagMs: number): boolean {
    return this.endOffset === leaderEnd || now - this.lastCaughtUpTime <= maxLagMs;
  }
}
