// The leader as a replica fetcher sees it (LeaderEndPoint.java). It need not be a broker of this cluster.

import type { FetchResponseView } from '../../protocol/hot/fetch-response-view.js';
import type { ReplicaFetchRequest } from '../../protocol/hot/replica-fetch-request.js';

/** An answer to a fetch. Its records lie in the arena until release(). */
export interface FetchAnswer {
  readonly rows: FetchResponseView;
  /** Nobody reads the records any more, and nobody will. Once. */
  release(): void;
}

/** One partition asked about, in words of its leader's epoch that we know. */
export interface LeaderQuestion {
  readonly topic: string;
  readonly partition: number;
  readonly currentLeaderEpoch: number;
}

export interface EpochQuestion extends LeaderQuestion {
  /** Where does this epoch end at the leader? */
  readonly leaderEpoch: number;
}

/** The largest epoch of the leader that is not above the one asked for, and where it ends; -1 for what it does not know. */
export interface EpochEndAnswer {
  readonly errorCode: number;
  readonly leaderEpoch: number;
  readonly endOffset: number;
}

export interface OffsetAnswer {
  readonly errorCode: number;
  readonly offset: number;
}

export interface LeaderEndpoint {
  readonly brokerId: number;
  /** Answers to fetches tell where logs diverge (inter.broker.protocol.version 2.7-IV1 and up). */
  readonly tellsDivergence: boolean;
  /** Topics may be named by their ids. */
  readonly takesTopicIds: boolean;
  /** Sends `request`, which must stay as it is until one of the two is called: once, and not before this returns. */
  fetch(request: ReplicaFetchRequest, taken: (answer: FetchAnswer) => void, failed: (error: Error) => void): void;
  /** One answer for each question, in order. Rejects where the leader cannot be asked. */
  epochEnds(questions: readonly EpochQuestion[]): Promise<readonly EpochEndAnswer[]>;
  earliestOffsets(questions: readonly LeaderQuestion[]): Promise<readonly OffsetAnswer[]>;
  latestOffsets(questions: readonly LeaderQuestion[]): Promise<readonly OffsetAnswer[]>;
  /** What is under way fails. */
  close(): void;
}
