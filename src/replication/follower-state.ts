// What a partition has while another broker leads it.

import { invariant } from '../base/invariant.js';

export class FollowerState {
  readonly leader: number;
  readonly leaderEpoch: number;
  /** As the leader told last; -1 before. */
  leaderHighWatermark = -1;

  constructor(leader: number, leaderEpoch: number) {
    invariant(leaderEpoch >= 0, `a follower in leader epoch ${leaderEpoch}`);
    this.leader = leader;
    this.leaderEpoch = leaderEpoch;
  }

  /** The watermark of a follower whose log has these bounds, by what the leader told (UnifiedLog.maybeUpdateHighWatermark). It may go down. */
  highWatermarkWithin(startOffset: number, endOffset: number): number {
    return Math.max(startOffset, Math.min(this.leaderHighWatermark, endOffset));
  }
}
