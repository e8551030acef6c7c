// Fetch, versions 0-17: header bytes written here, records sent from their files.
//
//   v3  limits whole responses; v4 transactions; v5 log start offsets; v7 sessions (KIP-227); v9 leader epochs;
//   v11 rack and follower fetching; v12 flexible encoding and diverging epochs; v13 topic ids; v15 replica state is a
//   tagged field; v16 names current leaders (KIP-951)
//
// v0-v3 would have to have batches converted to older formats; they get UNSUPPORTED_VERSION for partitions with records
// (fetch-conversion.ts), as from a Kafka whose topics have message.downconversion.enable=false.

import type { TimerWheel } from '../../base/timer-wheel.js';
import type { NativeExchange } from '../../native/exchange.js';
import type { ResponseSpace } from '../../network/response-space.js';
import { SMALL_FRAME, type HotRequest, type HotRoute } from '../../network/route.js';
import { FetchRequestView } from '../../protocol/hot/fetch.js';
import { StringPool } from '../../protocol/hot/string-pool.js';
import { ProtocolError } from '../../protocol/protocol-error.js';
import type { ReplicaSelector } from '../../replication/replica-selector.js';
import { LARGE, type FetchEnvironment } from './delayed-fetch.js';
import { FetchAnswer } from './fetch-answer.js';
import type { ReadRules } from './fetch-read.js';
import { isIsolationLevel, type FetchSessions } from './fetch-sessions.js';
import { ServedFetch, type ServedFetchOptions } from './served-fetch.js';

const FLEXIBLE_FROM = 12;
/** Oldest version whose consumers may read from followers (KIP-392). */
const SELECTS_FROM = 11;
/** Who claims to be a broker's log under way to another directory reads as a replica: nothing is told of transactions. */
const FUTURE_REPLICA = -3;
/** More than a broker holds for one client. */
const MOST_PARTITIONS = 50_000;

export interface FetchOptions extends Omit<ServedFetchOptions, 'newAnswer'> {
  readonly native: NativeExchange;
  readonly space: ResponseSpace;
  readonly sessions: FetchSessions;
  readonly wheel: TimerWheel;
  /** fetch.max.bytes */
  readonly maxBytes: () => number;
  /** Polls the exchange once more. */
  readonly lookAgain: () => void;
  /** replica.selector.class */
  readonly selectReplica: ReplicaSelector | undefined;
}

export class FetchService implements HotRoute {
  readonly kind = 'hot';
  readonly minVersion = 0;
  readonly maxVersion = 17;
  readonly flexibleFrom = FLEXIBLE_FROM;
  readonly #options: FetchOptions;
  readonly #names = new StringPool();
  readonly #ids = new StringPool('base64url');
  readonly #answer: FetchAnswer;
  readonly #environment: FetchEnvironment;
  readonly #serving: ServedFetchOptions;
  #view: FetchRequestView;

  constructor(options: FetchOptions) {
    this.#options = options;
    this.#view = new FetchRequestView(this.#names, this.#ids);
    this.#answer = new FetchAnswer(options);
    this.#serving = { ...options, newAnswer: () => new FetchAnswer(options) };
    const { native, replicas, wheel, turns, quota, lookAgain } = options;
    this.#environment = { replicas, wheel, turns, quota, lookAgain, releaseSlice: slice => native.releaseSlice(slice) };
  }

  serve(request: HotRequest): boolean {
    const { space, sessions } = this.#options;
    const { slot, connection, apiVersion, correlationId } = request;
    const view = this.#view;
    view.decode(space.bytes, request.bodyStart, request.end, apiVersion);
    const asked = view.rows.partitionCount + view.forgotten.partitionCount;
    if (asked > MOST_PARTITIONS) throw new ProtocolError(`a fetch request for ${asked} partitions`);
    const opening = sessions.begin(view, apiVersion);
    const maxBytes = Math.min(view.maxBytes, this.#options.maxBytes());
    const terms = {
      slot, connection, apiVersion, correlationId, asked,
      rules: this.#rulesFor(request),
      limits: { minBytes: Math.min(view.minBytes, maxBytes), maxBytes, maxWaitMs: view.maxWaitMs },
      invalid: !isIsolationLevel(view.isolationLevel),
      small: request.end - request.frameStart <= SMALL_FRAME,
    };
    // What is taken in by turns is the request's own until then.
    if (asked > LARGE) this.#view = new FetchRequestView(this.#names, this.#ids);
    return new ServedFetch(terms, opening, this.#answer, this.#environment, this.#serving).begin();
  }

  #rulesFor({ apiVersion, connection }: HotRequest): ReadRules {
    const { replicaId, replicaEpoch, isolationLevel, rackId } = this.#view;
    const { selectReplica: select } = this.#options;
    return {
      apiVersion, replicaId, replicaEpoch,
      readCommitted: isolationLevel === 1 && replicaId < 0 && replicaId !== FUTURE_REPLICA,
      selection: select === undefined || replicaId >= 0 || apiVersion < SELECTS_FROM ? undefined : { select, client: { rackId, listener: connection.listener } },
    };
  }
}
