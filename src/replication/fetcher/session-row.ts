import type { PartitionFetchState } from './partition-fetch-state.js';

export const NO_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAA';

/** One partition in the session with a leader: what we want of it, and what the leader was told of it last. */
export class SessionRow {
  readonly topic: string;
  readonly index: number;
  /** undefined: it is not followed any more, and only still to be forgotten. */
  state: PartitionFetchState | undefined;
  /** The leader has it in its session. */
  told = false;
  /** Who is meant by what the leader was told. */
  asked: PartitionFetchState | undefined;
  topicId = NO_TOPIC_ID;
  fetchOffset = -1;
  leaderEpoch = -1;
  lastFetchedEpoch = -1;
  logStartOffset = -1;

  constructor(topic: string, index: number) {
    this.topic = topic;
    this.index = index;
  }

  /** The leader's answer is about what we want now, and we are where it takes us to be. */
  get isAnswered(): boolean {
    const { state } = this;
    return state !== undefined && this.asked === state && state.fetchOffset === this.fetchOffset && state.isReadyForFetch;
  }

  /** The leader would fetch the same for us without being told. */
  isToldAs(state: PartitionFetchState, logStartOffset: number): boolean {
    return this.told && this.fetchOffset === state.fetchOffset && this.leaderEpoch === state.leaderEpoch && this.lastFetchedEpoch === state.lastFetchedEpoch
      && this.logStartOffset === logStartOffset && this.topicId === state.topicId;
  }

  tell(state: PartitionFetchState, logStartOffset: number): void {
    this.told = true;
    this.asked = state;
    this.topicId = state.topicId;
    this.fetchOffset = state.fetchOffset;
    this.leaderEpoch = state.leaderEpoch;
    this.lastFetchedEpoch = state.lastFetchedEpoch;
    this.logStartOffset = logStartOffset;
  }
}

/** All rows of one topic's name. */
export interface SessionTopic {
  readonly rows: (SessionRow | undefined)[];
  count: number;
}
