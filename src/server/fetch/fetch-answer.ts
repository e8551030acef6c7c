// The answer to a fetch: header bytes written here, and the records of its partitions from their files in between.

import type { Commands } from '../../native/commands.js';
import type { NativeExchange } from '../../native/exchange.js';
import type { Connection } from '../../network/connection.js';
import type { ResponseSpace } from '../../network/response-space.js';
import { FetchResponseEncoder } from '../../protocol/hot/fetch.js';
import { Writer } from '../../protocol/writer.js';
import type { ReplicaManager } from '../../replication/replica-manager.js';
import { LeaderEndpoints } from '../current-leader.js';
import type { FetchEntry } from './fetch-entry.js';

const FLEXIBLE_FROM = 12;
const SESSIONS_FROM = 7;
/** Bytes an answer takes: fixed, per topic beside its name, per partition. */
const ANSWER_BYTES = 256;
const TOPIC_BYTES = 32;
const ENTRY_BYTES = 96;

/** To whom an answer goes, and how. */
export interface Asked {
  readonly slot: number;
  readonly connection: Connection;
  readonly apiVersion: number;
  readonly correlationId: number;
}

export interface FetchAnswerOptions {
  readonly native: NativeExchange;
  readonly commands: Commands;
  readonly space: ResponseSpace;
  readonly replicas: ReplicaManager;
}

/** One answer after the other: begin(), step() as long as there is more, and send(). */
export class FetchAnswer {
  readonly #options: FetchAnswerOptions;
  readonly #encoder = new FetchResponseEncoder();
  readonly #writer = new Writer(1024);
  #pieces = new Float64Array(64);
  readonly #endpoints: LeaderEndpoints;
  #slot = 0;
  #entries: readonly FetchEntry[] = [];
  #next = 0;
  /** Where in the arena it is written, or -1: apart, and copied there at the end. */
  #start = -1;

  constructor(options: FetchAnswerOptions) {
    this.#options = options;
    this.#endpoints = new LeaderEndpoints(options.replicas.metadata);
  }

  /** `apart`: others may write answers before this one is sent. */
  begin(asked: Asked, entries: readonly FetchEntry[], errorCode: number, sessionId: number, apart: boolean): void {
    const { space } = this.#options;
    const room = roomFor(entries);
    this.#start = !apart && room <= space.blockBytes ? space.reserve(room) : -1;
    if (this.#start >= 0) this.#writer.reset(space.bytes, this.#start, this.#start + room);
    else this.#writer.reset(Buffer.allocUnsafe(room));
    this.#head(asked, entries, errorCode, sessionId);
  }

  #head({ slot, connection, apiVersion, correlationId }: Asked, entries: readonly FetchEntry[], errorCode: number, sessionId: number): void {
    this.#slot = slot;
    this.#endpoints.begin(connection.listener);
    this.#entries = entries;
    this.#next = 0;
    const writer = this.#writer;
    writer.writeInt32(0);
    writer.writeInt32(correlationId);
    if (apiVersion >= FLEXIBLE_FROM) writer.writeUvarint(0);
    let topics = 0;
    for (let at = 0; at < entries.length; at++) if (startsTopic(entries, at)) topics++;
    this.#encoder.begin(writer, apiVersion, 0, errorCode, apiVersion >= SESSIONS_FROM ? sessionId : 0, topics);
  }

  /** Writes up to `most` further partitions; false where none are left. */
  step(most: number): boolean {
    const entries = this.#entries;
    const encoder = this.#encoder;
    for (const end = Math.min(entries.length, this.#next + most); this.#next < end; this.#next++) {
      const at = this.#next;
      const entry = entries[at]!;
      if (startsTopic(entries, at)) {
        let partitions = 1;
        while (at + partitions < entries.length && !startsTopic(entries, at + partitions)) partitions++;
        encoder.topic(entry.topic, entry.topicId, partitions);
      }
      // Records are an empty set where there are none (FetchResponse.recordsOrFail), and null only where they are withheld.
      encoder.partition(entry.index, entry, entry.length, entry.details);
      const leader = entry.details?.currentLeader?.leaderId;
      if (leader !== undefined) this.#endpoints.name(leader);
    }
    return this.#next < entries.length;
  }

  /** Takes the entries' slices. */
  send(): void {
    const { commands, space, native } = this.#options;
    const writer = this.#writer;
    const total = this.#encoder.end(this.#endpoints.named);
    const length = writer.length;
    const apart = this.#start < 0 || writer.bytes !== space.bytes;
    let start = this.#start;
    if (apart) {
      start = space.leaseApart(length);
      if (start < 0) {
        for (const entry of this.#entries) entry.letGo(slice => native.releaseSlice(slice));
        commands.fail(this.#slot);
        return;
      }
      writer.finish().copy(space.bytes, start);
    } else space.commit(length);
    space.view.setInt32(start, total - 4);
    this.#hand(start, length);
    this.#entries = [];
    if (!apart) return;
    commands.flush();
    space.release(start);
  }

  #hand(start: number, length: number): void {
    const { commands } = this.#options;
    const slot = this.#slot;
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
    for (const entry of this.#entries) {
      if (entry.length <= 0) continue;
      const to = encoder.cutAt(cut++);
      pieces[2 * count] = start + from;
      pieces[2 * count + 1] = to - from;
      pieces[2 * count + 2] = entry.slice;
      entry.slice = -1;
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

/** Names stand once per topic, however many of its partitions are told. */
function roomFor(entries: readonly FetchEntry[]): number {
  let room = ANSWER_BYTES + entries.length * ENTRY_BYTES;
  for (let at = 0; at < entries.length; at++) if (startsTopic(entries, at)) room += TOPIC_BYTES + entries[at]!.topic.length * 3;
  return room;
}

function startsTopic(entries: readonly FetchEntry[], at: number): boolean {
  if (at === 0) return true;
  const entry = entries[at]!;
  const before = entries[at - 1]!;
  return entry.topic !== before.topic || entry.topicId !== before.topicId;
}
