import type { Logger } from '../../base/logger.js';
import type { LeaderEndpoint } from './leader-endpoint.js';
import type { PartitionFetchState } from './partition-fetch-state.js';

/** What a replica fetcher lends to those who do its rarer work. */
export interface FetcherContext {
  readonly endpoint: LeaderEndpoint;
  readonly logger: Logger;
  /** Leaves the partition alone for a while (replica.fetch.backoff.ms), where it is not left alone already. */
  delay(state: PartitionFetchState): void;
  /** The partition leaves the fetcher, until it is added again. */
  fail(state: PartitionFetchState, why: string, error?: unknown): void;
  /** The leader knows a newer epoch than we do: the partition leaves the fetcher until we are told of it. */
  fenced(state: PartitionFetchState): void;
  /** Lets the log work; resolves to whether the partition is still ours when it has ended. Where it fails, so does the partition. */
  work(state: PartitionFetchState, what: string, begin: () => Promise<void>): Promise<boolean>;
  /** The state is not what it was. */
  changed(state: PartitionFetchState): void;
  /** Something went wrong that nobody thought of. */
  unforeseen(error: unknown): void;
}
