// One partition of a fetch: what is asked, what was found, and what a session remembers having told.

import type { FetchPartitionDetails, FetchPartitionState } from '../../protocol/hot/fetch.js';

const NONE_ABORTED: FetchPartitionDetails = { abortedTransactions: [] };

export class FetchEntry implements FetchPartitionState {
  /** With topic ids: '' until the id was known, and then for good, whatever becomes of the topic (CachedPartition). */
  topic: string;
  topicId: string;
  readonly index: number;
  /** Distinct among the partitions of its session. */
  readonly key: number;

  // Asked.
  fetchOffset = 0;
  currentLeaderEpoch = -1;
  lastFetchedEpoch = -1;
  /** Where a follower's log starts; -1 from consumers. */
  followerStartOffset = -1;
  maxBytes = 0;

  // Found.
  errorCode = 0;
  highWatermark = -1;
  lastStableOffset = -1;
  logStartOffset = -1;
  /** Where the log ended when it was looked at. */
  endOffset = -1;
  /** Base of the segment that the offset asked for was in when the fetch began; -1: of an older one than the last. */
  segment = -1;
  /** -1: none, also once it is sent or released: its number is another's then, and sessions keep their entries. */
  slice = -1;
  /** Of the records; -1: null, in an answer. */
  length = 0;
  details: FetchPartitionDetails | undefined;

  // Told before, in this session.
  toldHighWatermark = -1;
  toldLogStartOffset = -1;

  constructor(topic: string, topicId: string, index: number, key: number) {
    this.topic = topic;
    this.topicId = topicId;
    this.index = index;
    this.key = key;
  }

  ask(fetchOffset: number, currentLeaderEpoch: number, lastFetchedEpoch: number, followerStartOffset: number, maxBytes: number): void {
    this.fetchOffset = fetchOffset;
    // Below zero is none, here and in no other request (optionalEpoch of FetchRequest.java).
    this.currentLeaderEpoch = currentLeaderEpoch < 0 ? -1 : currentLeaderEpoch;
    this.lastFetchedEpoch = lastFetchedEpoch;
    this.followerStartOffset = followerStartOffset;
    this.maxBytes = maxBytes;
  }

  /** The same question, for somebody who must not share the answer. */
  copy(): FetchEntry {
    const copy = new FetchEntry(this.topic, this.topicId, this.index, this.key);
    copy.ask(this.fetchOffset, this.currentLeaderEpoch, this.lastFetchedEpoch, this.followerStartOffset, this.maxBytes);
    copy.toldHighWatermark = this.toldHighWatermark;
    copy.toldLogStartOffset = this.toldLogStartOffset;
    return copy;
  }

  /** Gives the slice back, if there is one. */
  letGo(release: (slice: number) => void): void {
    if (this.slice >= 0) release(this.slice);
    this.slice = -1;
  }

  /** Forgets what was found. The slice, if any, must have been released or sent. */
  clear(): void {
    this.errorCode = 0;
    this.highWatermark = -1;
    this.lastStableOffset = -1;
    this.logStartOffset = -1;
    this.slice = -1;
    this.length = 0;
    this.details = undefined;
  }

  /** An error that its reading met: it says nothing of offsets. */
  refuse(errorCode: number): void {
    this.clear();
    this.errorCode = errorCode;
  }

  /** An error of what is asked, and not of a reading: then none is what there is of transactions (FetchResponse.partitionResponse). */
  turnAway(errorCode: number): void {
    this.refuse(errorCode);
    this.details = NONE_ABORTED;
  }

  /** An incremental answer leaves out what is as it was told (FetchSession.scala); `tell` remembers it as told. */
  hasNews(tell: boolean): boolean {
    let news = this.length > 0 || this.details?.divergingEpoch !== undefined || this.details?.preferredReadReplica !== undefined;
    if (this.highWatermark !== this.toldHighWatermark) {
      news = true;
      if (tell) this.toldHighWatermark = this.highWatermark;
    }
    if (this.logStartOffset !== this.toldLogStartOffset) {
      news = true;
      if (tell) this.toldLogStartOffset = this.logStartOffset;
    }
    if (this.errorCode !== 0) {
      news = true;
      // So that it appears again once it is healthy.
      if (tell) this.toldHighWatermark = -1;
    }
    return news;
  }
}
