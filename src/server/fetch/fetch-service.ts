// Fetch, versions 0-17: header bytes written here, records sent from their files.
//
//   v3  limits whole responses; v4 transactions; v5 log start offsets; v7 sessions (KIP-227); v9 leader epochs;
//   v11 rack and follower fetching; v12 flexible encoding and diverging epochs; v13 topic ids; v15 replica state is a
//   tagged field; v16 names current leaders (KIP-951)
//
// v0-v3 would have to have batches converted to older formats; they get UNSUPPORTED_VERSION for partitions with records
// (fetch-conversion.ts), as from a Kafka whose topics have message.downconversion.enable=false.

import { failure } from '../../base/failure.js';
import type { Logger } from '../../base/logger.js';
import type { TimerWheel } from '../../base/timer-wheel.js';
import type { TurnQueue } from '../../base/turn-queue.js';
import type { Commands } from '../../native/commands.js';
import type { NativeExchange } from '../../native/exchange.js';
import type { Connection } from '../../network/connection.js';
import type { ResponseSpace } from '../../network/response-space.js';
import { SMALL_FRAME, type HotRequest, type HotRoute } from '../../network/route.js';
import { FetchRequestView } from '../../protocol/hot/fetch.js';
import { StringPool } from '../../protocol/hot/string-pool.js';
import { ErrorCode } from '../../protocol/errors.js';
import { ProtocolError } from '../../protocol/protocol-error.js';
import type { ReplicaManager } from '../../replication/replica-manager.js';
import { FetchAnswer, type Asked } from './fetch-answer.js';
import { CONVERTED_BELOW, withhold } from './fetch-conversion.js';
import type { FetchEntry } from './fetch-entry.js';
import type { ReadRules } from './fetch-read.js';
import { isIsolationLevel, type FetchContext, type FetchSession, type FetchSessions } from './fetch-sessions.js';
import { AT_ONCE, FetchTask, LARGE, type FetchEnvironment, type FetchLimits } from './fetch-task.js';

const SESSIONS_FROM = 7;
const FLEXIBLE_FROM = 12;
/** Who claims to be a broker's log under way to another directory reads as a replica: nothing is told of transactions. */
const FUTURE_REPLICA = -3;
/** More than a broker holds for one client. */
const MOST_PARTITIONS = 50_000;

export interface FetchOptions {
  readonly native: NativeExchange;
  readonly commands: Commands;
  readonly space: ResponseSpace;
  readonly replicas: ReplicaManager;
  readonly sessions: FetchSessions;
  readonly wheel: TimerWheel;
  readonly turns: TurnQueue;
  readonly logger: Logger;
  /** fetch.max.bytes */
  readonly maxBytes: () => number;
  /** A request that made its connection wait is answered. */
  readonly done: (connection: Connection) => void;
  /** Polls the exchange once more. */
  readonly lookAgain: () => void;
}

type Open = Exclude<FetchContext, { kind: 'refused' }>;

/** A request and what is held against it. */
interface Fetching extends Asked {
  readonly rules: ReadRules;
  readonly limits: FetchLimits;
  /** It asks for an isolation level that there is not. */
  readonly invalid: boolean;
  /** Its frame is given back while it waits: what was asked is copied, and small. */
  readonly small: boolean;
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
  #view: FetchRequestView;

  constructor(options: FetchOptions) {
    this.#options = options;
    this.#view = new FetchRequestView(this.#names, this.#ids);
    this.#answer = new FetchAnswer(options);
    const { native, replicas, wheel, turns, lookAgain } = options;
    this.#environment = { replicas, wheel, turns, lookAgain, releaseSlice: slice => native.releaseSlice(slice) };
  }

  serve(request: HotRequest): boolean {
    const { space, sessions } = this.#options;
    const view = this.#view;
    view.decode(space.bytes, request.bodyStart, request.end, request.apiVersion);
    const asked = view.rows.partitionCount + view.forgotten.partitionCount;
    if (asked > MOST_PARTITIONS) throw new ProtocolError(`a fetch request for ${asked} partitions`);
    const maxBytes = Math.min(view.maxBytes, this.#options.maxBytes());
    const fetching: Fetching = {
      slot: request.slot, connection: request.connection, apiVersion: request.apiVersion, correlationId: request.correlationId,
      rules: { apiVersion: request.apiVersion, replicaId: view.replicaId, replicaEpoch: view.replicaEpoch, readCommitted: view.isolationLevel === 1 && view.replicaId < 0 && view.replicaId !== FUTURE_REPLICA },
      limits: { minBytes: Math.min(view.minBytes, maxBytes), maxBytes, maxWaitMs: view.maxWaitMs },
      invalid: !isIsolationLevel(view.isolationLevel),
      small: request.end - request.frameStart <= SMALL_FRAME,
    };
    if (asked > LARGE) return this.#openInTurns(fetching);
    return this.#run(fetching, sessions.open(view, request.apiVersion));
  }

  #openInTurns(fetching: Fetching): boolean {
    const { sessions, turns, commands } = this.#options;
    const { connection } = fetching;
    const opening = sessions.begin(this.#view, fetching.apiVersion);
    let opened = false;
    // This one is the request's now.
    this.#view = new FetchRequestView(this.#names, this.#ids);
    turns.work(() => !connection.closed && opening.step(AT_ONCE), () => {
      if (connection.closed) {
        opening.abandon();
        commands.fail(fetching.slot);
      } else {
        const over = this.#run(fetching, opening.finish());
        opened = true;
        if (over) this.#options.done(connection);
      }
      commands.flush();
    }, () => {
      // From there on it ends by itself.
      if (opened) return;
      opening.abandon();
      commands.fail(fetching.slot);
      this.#done(fetching);
    });
    return false;
  }

  /** True: it is answered. Otherwise it waits, and its connection with it. */
  #run(fetching: Fetching, context: FetchContext): boolean {
    const { commands } = this.#options;
    if (context.kind === 'refused') {
      this.#answer.respond(fetching, [], context.errorCode, 0);
      return true;
    }
    if (fetching.invalid) {
      this.#refuseWhole(fetching, context);
      return true;
    }
    let waits = false;
    let answered = false;
    const task = new FetchTask(
      context.entries, fetching.rules, fetching.limits,
      this.#environment,
      () => {
        answered = true;
        if (context.entries.length > LARGE) this.#tellInTurns(fetching, context, task.known);
        else {
          this.#tell(fetching, context, task.known);
          if (waits) this.#done(fetching);
        }
      },
      error => {
        answered = true;
        this.#fail(fetching, context, error);
        if (waits) this.#done(fetching);
      },
    );
    task.run();
    if (answered) return true;
    waits = true;
    if (fetching.small) commands.releaseFrame(fetching.slot);
    fetching.connection.onClosed = () => {
      if (task.over) return;
      task.abandon();
      context.release();
      commands.fail(fetching.slot);
    };
    return false;
  }

  /** Versions without sessions have no place for an error but beside each partition. */
  #refuseWhole(fetching: Fetching, context: Open): void {
    const entries = fetching.apiVersion < SESSIONS_FROM ? context.entries : [];
    for (const entry of entries) entry.turnAway(ErrorCode.InvalidRequest);
    this.#answer.respond(fetching, entries, ErrorCode.InvalidRequest, context.session?.id ?? 0);
    context.release();
  }

  #tell(asked: Asked, context: Open, known: number): void {
    const { session } = context;
    let entries = context.entries;
    try {
      if (isOutdated(context)) {
        this.#refuseOutdated(asked, context);
        return;
      }
      if (context.kind === 'incremental') {
        entries = entries.filter(entry => entry.hasNews(true));
        for (const entry of entries) context.session.served(entry);
      } else if (session !== undefined) remember(session, entries, known);
      if (asked.apiVersion < CONVERTED_BELOW) for (const entry of entries) this.#withhold(asked, entry);
      this.#answer.respond(asked, entries, 0, session?.id ?? 0);
      context.release();
    } catch (error) {
      this.#fail(asked, context, error);
    }
  }

  #withhold({ apiVersion }: Asked, entry: FetchEntry): void {
    withhold(entry, apiVersion, this.#options.replicas, this.#environment.releaseSlice);
  }

  /** Another request of the session was taken in meanwhile: what this one found is told to nobody, and remembered nowhere. */
  #refuseOutdated(asked: Asked, context: Open): void {
    for (const entry of context.entries) entry.letGo(this.#environment.releaseSlice);
    this.#answer.respond(asked, [], ErrorCode.InvalidFetchSessionEpoch, context.session!.id);
    context.release();
  }

  /** What went wrong with one request ends its connection, and nobody else's. */
  #fail({ slot, connection }: Asked, context: Open, error: unknown): void {
    this.#options.logger.error({ connection: connection.id, error: failure(error) }, 'closing a connection: its request failed');
    this.#letGo(context);
    this.#options.commands.fail(slot);
  }

  #letGo(context: Open): void {
    for (const entry of context.entries) entry.letGo(this.#environment.releaseSlice);
    context.release();
  }

  #tellInTurns(asked: Asked, context: Open, known: number): void {
    const { turns, commands } = this.#options;
    const { session, entries } = context;
    const { connection } = asked;
    const told: FetchEntry[] = [];
    const withholds = asked.apiVersion < CONVERTED_BELOW;
    let next = 0;
    let over = false;
    const gone = (): boolean => {
      if (!connection.closed) return false;
      over = true;
      this.#letGo(context);
      commands.fail(asked.slot);
      commands.flush();
      return true;
    };
    const broke = (): void => {
      if (over) return;
      this.#letGo(context);
      commands.fail(asked.slot);
      this.#done(asked);
    };
    if (isOutdated(context)) {
      turns.work(() => false, () => {
        if (gone()) return;
        this.#refuseOutdated(asked, context);
        over = true;
        this.#done(asked);
      }, broke);
      return;
    }
    turns.work(() => {
      for (const end = Math.min(entries.length, next + AT_ONCE); next < end; next++) {
        const entry = entries[next]!;
        const news = session === undefined || entry.hasNews(true);
        if (news || context.kind === 'full') told.push(entry);
        if (context.kind === 'incremental') context.session.served(entry);
        else if (next >= known) session?.moveToEnd(entry);
        if (withholds) this.#withhold(asked, entry);
      }
      return next < entries.length && !connection.closed;
    }, () => {
      if (gone()) return;
      const answer = new FetchAnswer(this.#options);
      answer.begin(asked, told, 0, session?.id ?? 0);
      turns.work(() => !connection.closed && answer.step(AT_ONCE), () => {
        if (gone()) return;
        answer.send();
        over = true;
        context.release();
        this.#done(asked);
      }, broke);
    }, broke);
  }

  #done({ connection }: Asked): void {
    connection.onClosed = undefined;
    this.#options.done(connection);
  }
}

function isOutdated(context: Open): boolean {
  return context.kind === 'incremental' && context.session.epoch !== context.epoch;
}

/** A new session has heard what its first answer tells, and begins with the partitions that are known (FullFetchContext). */
function remember(session: FetchSession, entries: readonly FetchEntry[], known: number): void {
  for (const entry of entries) entry.hasNews(true);
  for (let at = known; at < entries.length; at++) session.moveToEnd(entries[at]!);
}
