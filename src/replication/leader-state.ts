// What a partition has while this broker leads it: who follows how far, who is in sync, and the arithmetic of the high
// watermark (Partition.scala). Pure: the time, the log's end and who is alive are handed in.

import { invariant } from '../base/invariant.js';
import { RemoteReplica } from './remote-replica.js';

/** A change of the ISR that the controller was asked for. While it is out no other is asked for. */
export interface PendingIsr {
  readonly kind: 'expand' | 'shrink';
  /** What was asked for. */
  readonly isr: readonly number[];
}

export interface LeadershipTerms {
  readonly brokerId: number;
  readonly leaderEpoch: number;
  /** Where the epoch began in the log. */
  readonly epochStart: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

/** What holds the watermark, as far as the leader's own log ends. */
export interface Watermark {
  /** The least end among those who count; the leader's own end where nobody else does. */
  readonly offset: number;
  /** Nobody but the leader has to have a record for it to be committed. */
  readonly alone: boolean;
}

export class LeaderState {
  readonly brokerId: number;
  readonly leaderEpoch: number;
  readonly epochStart: number;
  readonly remotes: readonly RemoteReplica[];
  #isr: readonly number[];
  #pending: PendingIsr | undefined;

  /** `before`: the state of this broker's term before, where it led already: what its replicas have they keep. */
  constructor({ brokerId, leaderEpoch, epochStart, replicas, isr }: LeadershipTerms, now: number, before?: LeaderState) {
    invariant(leaderEpoch >= 0 && epochStart >= 0, `leader epoch ${leaderEpoch} begins at ${epochStart}`);
    invariant(before === undefined || before.leaderEpoch < leaderEpoch, `leader epoch ${leaderEpoch} follows ${before?.leaderEpoch}`);
    this.brokerId = brokerId;
    this.leaderEpoch = leaderEpoch;
    this.epochStart = epochStart;
    this.#isr = isr;
    this.remotes = replicas.filter(id => id !== brokerId).map(id => {
      const known = before?.remote(id);
      const remote = known ?? new RemoteReplica(id);
      if (before === undefined) remote.elected(now, isr.includes(id));
      else remote.reelected(now, epochStart, isr.includes(id));
      return remote;
    });
    this.#countAnew();
  }

  /** As committed by the controller: it counts for min.insync.replicas. */
  get isr(): readonly number[] {
    return this.#isr;
  }

  get pending(): PendingIsr | undefined {
    return this.#pending;
  }

  /** The larger of the committed ISR and the one asked for: it counts for the watermark (KIP-497). */
  get maximalIsr(): readonly number[] {
    return this.#pending?.kind === 'expand' ? this.#pending.isr : this.#isr;
  }

  remote(brokerId: number): RemoteReplica | undefined {
    return this.remotes.find(remote => remote.brokerId === brokerId);
  }

  /** min.insync.replicas, of which no more can be asked for than there are replicas. */
  effectiveMinIsr(minInsyncReplicas: number): number {
    return Math.min(minInsyncReplicas, this.remotes.length + 1);
  }

  isUnderMinIsr(minInsyncReplicas: number): boolean {
    return this.#isr.length < this.effectiveMinIsr(minInsyncReplicas);
  }

  /**
   * How far records are committed, if the ISR is large enough: on all of the maximal ISR, and on those who are caught up and
   * may join. Without these a leader alone would always be ahead of who wants to join.
   */
  watermark(endOffset: number, now: number, maxLagMs: number, mayJoin: (brokerId: number) => boolean): Watermark {
    let offset = endOffset;
    let alone = true;
    for (const remote of this.remotes) {
      if (!remote.inMaximalIsr && !(remote.isCaughtUp(endOffset, now, maxLagMs) && mayJoin(remote.brokerId))) continue;
      alone = false;
      // Before its first fetch nothing is known to be on it.
      offset = Math.min(offset, remote.endOffset);
    }
    return { offset, alone };
  }

  /** It has all that is committed, and has reached this leader's epoch: so it holds whatever was committed before. */
  canJoin(remote: RemoteReplica, highWatermark: number): boolean {
    return this.#pending === undefined && !remote.inMaximalIsr && remote.endOffset >= Math.max(highWatermark, this.epochStart);
  }

  /** Members of the ISR that have not been caught up for longer than `maxLagMs`. None while a change is out. */
  outOfSync(endOffset: number, now: number, maxLagMs: number): number[] {
    if (this.#pending !== undefined) return [];
    return this.#isr.filter(id => id !== this.brokerId && this.remote(id)?.isCaughtUp(endOffset, now, maxLagMs) !== true);
  }

  expand(brokerId: number): PendingIsr {
    invariant(this.#pending === undefined && !this.#isr.includes(brokerId), `${brokerId} cannot join the ISR ${this.#isr.join(',')}`);
    return this.#ask({ kind: 'expand', isr: [...this.#isr, brokerId] });
  }

  shrink(leaving: readonly number[]): PendingIsr {
    invariant(this.#pending === undefined && !leaving.includes(this.brokerId), `${leaving.join(',')} cannot leave the ISR ${this.#isr.join(',')}`);
    return this.#ask({ kind: 'shrink', isr: this.#isr.filter(id => !leaving.includes(id)) });
  }

  /** The change asked for, or another, is committed. */
  commit(isr: readonly number[]): void {
    this.#isr = isr;
    this.#pending = undefined;
    this.#countAnew();
  }

  /** The change was certainly not made. */
  revert(): void {
    this.#pending = undefined;
    this.#countAnew();
  }

  #ask(change: PendingIsr): PendingIsr {
    this.#pending = change;
    this.#countAnew();
    return change;
  }

  #countAnew(): void {
    const maximal = this.maximalIsr;
    for (const remote of this.remotes) remote.inMaximalIsr = maximal.includes(remote.brokerId);
  }
}
