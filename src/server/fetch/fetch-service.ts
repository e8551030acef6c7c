// Fetch, versions 0-17: header bytes written here, records sent from their files.
//
//   v3  limits whole responses; v4 transactions; v5 log start offsets; v7 sessions (KIP-227); v9 leader epochs;
//   v11 rack and follower fetching; v12 flexible encoding and diverging epochs; v13 topic ids; v15 replica state is a
//   tagged field; v16 names current leaders (KIP-951)
//
// v0-v3 would have to have batches converted to older formats; they get UNSUPPORTED_VERSION for partitions with records,
// as from a Kafka whose topics have message.downconversion.enable=false.

import type { TimerWheel } from '../../base/timer-wheel.js';
import type { Commands } from '../../native/commands.js';
import type { NativeExchange } from '../../native/exchange.js';
import type { Connection } from '../../network/connection.js';
import type { ResponseSpace } from '../../network/response-space.js';
import type { HotRequest, HotRoute } from '../../network/route.js';
import { FetchRequestView, FetchResponseEncoder } from '../../protocol/hot/fetch.js';
import { ProtocolError } from '../../protocol/protocol-error.js';
import { Writer } from '../../protocol/writer.js';
import type { ReplicaManager } from '../../replication/replica-manager.js';
import type { FetchEntry } from './fetch-entry.js';
import type { FetchContext, FetchSession, FetchSessions } from './fetch-sessions.js';
import { FetchTask } from './fetch-task.js';

const FLEXIBLE_FROM = 12;
const SESSIONS_FROM = 7;
/** More than a broker holds for one client. The main isolate looks at each in one step. */
const MOST_PARTITIONS = 50_000;
const ANSWER_BYTES = 256;
const ENTRY_BYTES = 96;

export interface FetchOptions {
  readonly native: NativeExchange;
  readonly commands: Commands;
  readonly space: ResponseSpace;
  readonly replicas: ReplicaManager;
  readonly sessions: FetchSessions;
  readonly wheel: TimerWheel;
  /** fetch.max.bytes */
  readonly maxBytes: () => number;
  /** A request that made its connection wait is answered. */
  readonly done: (connection: Connection) => void;
}

interface Asked {
  readonly slot: number;
  readonly connection: Connection;
  readonly apiVersion: number;
  readonly correlationId: number;
}

export class FetchService implements HotRoute {
  readonly kind = 'hot';
  readonly minVersion = 0;
  readonly maxVersion = 17;
  readonly flexibleFrom = FLEXIBLE_FROM;
  readonly #options: FetchOptions;
  readonly #view = new FetchRequestView();
  readonly #encoder = new FetchResponseEncoder();
  readonly #writer = new Writer(1024);
  #pieces = new Float64Array(64);

  constructor(options: FetchOptions) {
    this.#options = options;
  }

  serve(request: HotRequest): boolean {
    const { commands, space, sessions, replicas, wheel, native } = this.#options;
    const view = this.#view;
    view.decode(space.bytes, request.bodyStart, request.end, request.apiVersion);
    if (view.rows.partitionCount > MOST_PARTITIONS) throw new ProtocolError(`a fetch request for ${view.rows.partitionCount} partitions`);
    const context = sessions.open(view, request.apiVersion);
    const asked: Asked = { slot: request.slot, connection: request.connection, apiVersion: request.apiVersion, correlationId: request.correlationId };
    if (context.kind === 'refused') {
      this.#respond(asked, [], context.errorCode, 0);
      return true;
    }
    const limit = Math.min(view.maxBytes, this.#options.maxBytes());
    let served = false;
    const task = new FetchTask(
      context.entries,
      { apiVersion: request.apiVersion, replicaId: view.replicaId, readCommitted: view.isolationLevel === 1 },
      { minBytes: Math.min(view.minBytes, limit), maxBytes: limit, maxWaitMs: view.maxWaitMs },
      { replicas, wheel, releaseSlice: slice => native.releaseSlice(slice) },
      () => {
        this.#answer(asked, context, served);
        served = true;
      },
    );
    task.run();
    if (served) return true;
    served = true;
    // It may wait for long: what it asked is copied, so its frame can go.
    commands.releaseFrame(request.slot);
    request.connection.onClosed = () => {
      if (task.over) return;
      task.abandon();
      context.release();
      commands.fail(asked.slot);
    };
    return false;
  }

  #answer(asked: Asked, context: Exclude<FetchContext, { kind: 'refused' }>, waited: boolean): void {
    const { session } = context;
    let entries = context.entries;
    if (context.kind === 'incremental') entries = entries.filter(entry => entry.hasNews(true));
    else if (session !== undefined) for (const entry of entries) entry.hasNews(true);
    if (session !== undefined) rotate(session, entries);
    this.#respond(asked, entries, 0, session?.id ?? 0);
    context.release();
    if (!waited) return;
    asked.connection.onClosed = undefined;
    this.#options.done(asked.connection);
  }

  #respond({ slot, apiVersion, correlationId }: Asked, entries: readonly FetchEntry[], errorCode: number, sessionId: number): void {
    const { commands, space } = this.#options;
    const writer = this.#writer;
    const room = ANSWER_BYTES + entries.reduce((sum, entry) => sum + ENTRY_BYTES + entry.topic.length * 3, 0);
    let start = room <= space.blockBytes ? space.reserve(room) : -1;
    if (start >= 0) writer.reset(space.bytes, start, start + room);
    else writer.reset(Buffer.allocUnsafe(room));
    writer.writeInt32(0);
    writer.writeInt32(correlationId);
    if (apiVersion >= FLEXIBLE_FROM) writer.writeUvarint(0);
    this.#encode(entries, apiVersion, errorCode, apiVersion >= SESSIONS_FROM ? sessionId : 0);
    const total = this.#encoder.end();
    const length = writer.length;
    const apart = start < 0 || writer.bytes !== space.bytes;
    if (apart) {
      start = space.leaseApart(length);
      if (start < 0) {
        for (const entry of entries) if (entry.slice >= 0) this.#options.native.releaseSlice(entry.slice);
        commands.fail(slot);
        return;
      }
      writer.finish().copy(space.bytes, start);
    } else space.commit(length);
    space.view.setInt32(start, total - 4);
    this.#send(slot, entries, start, length);
    if (!apart) return;
    commands.flush();
    space.release(start);
  }

  #encode(entries: readonly FetchEntry[], apiVersion: number, errorCode: number, sessionId: number): void {
    const encoder = this.#encoder;
    let topics = 0;
    for (let at = 0; at < entries.length; at++) if (startsTopic(entries, at)) topics++;
    encoder.begin(this.#writer, apiVersion, 0, errorCode, sessionId, topics);
    for (let at = 0; at < entries.length; at++) {
      const entry = entries[at]!;
      if (startsTopic(entries, at)) {
        let partitions = 1;
        while (at + partitions < entries.length && !startsTopic(entries, at + partitions)) partitions++;
        encoder.topic(entry.topic, entry.topicId, partitions);
      }
      // Records are never null in an answer; an empty set is (FetchResponse.recordsOrFail).
      encoder.partition(entry.index, entry, entry.length, entry.details);
    }
  }

  #send(slot: number, entries: readonly FetchEntry[], start: number, length: number): void {
    const { commands } = this.#options;
    const encoder = this.#encoder;
    if (encoder.cutCount === 0) {
      commands.respond(slot, start, length);
      return;
    }
    if (this.#pieces.length < 4 * encoder.cutCount + 2) this.#pieces = new Float64Array(8 * encoder.cutCount);
    const pieces = this.#pieces;
    let count = 0;
    let from = 0;
    let cut = 0;
    for (const entry of entries) {
      if (entry.length === 0) continue;
      const to = encoder.cutAt(cut++);
      pieces[2 * count] = start + from;
      pieces[2 * count + 1] = to - from;
      pieces[2 * count + 2] = entry.slice;
      pieces[2 * count + 3] = -1;
      count += 2;
      from = to;
    }
    if (from < length) {
      pieces[2 * count] = start + from;
      pieces[2 * count + 1] = length - from;
      count++;
    }
    commands.respondPieces(slot, pieces, count);
  }
}

function startsTopic(entries: readonly FetchEntry[], at: number): boolean {
  if (at === 0) return true;
  const entry = entries[at]!;
  const before = entries[at - 1]!;
  return entry.topic !== before.topic || entry.topicId !== before.topicId;
}

/** Partitions that gave records are served last the next time, so that none starves. */
function rotate(session: FetchSession, answered: readonly FetchEntry[]): void {
  for (const entry of answered) {
    if (entry.length === 0) continue;
    const key = `${entry.topicId !== '' && session.usesTopicIds ? entry.topicId : entry.topic}:${entry.index}`;
    if (session.entries.delete(key)) session.entries.set(key, entry);
  }
}
