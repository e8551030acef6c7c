// The answer to a produce request, row by row.

import type { ResponseSpace } from '../../network/response-space.js';
import { ErrorCode } from '../../protocol/errors.js';
import { ProduceResponseEncoder, type ProducePartitionDetails, type ProduceRequestView } from '../../protocol/hot/produce.js';
import { Writer } from '../../protocol/writer.js';
import type { ReplicaManager } from '../../replication/replica-manager.js';
import { currentLeader, LeaderEndpoints } from '../current-leader.js';
import { PLACEHOLDER, SUBMITTED, type ProduceRows } from './produce-rows.js';

const FLEXIBLE_FROM = 9;
/** Bytes an answer takes: fixed, per topic beside its name, per partition. */
const ANSWER_BYTES = 64;
const TOPIC_BYTES = 16;
const PARTITION_BYTES = 64;

/** What is to be answered. */
export interface Answerable {
  /** By which the client came. */
  readonly listener: string;
  readonly view: ProduceRequestView;
  readonly rows: ProduceRows;
}

/** A finished answer in the arena; one in a block `apart` is released once it is handed over. */
export interface Encoded {
  readonly offset: number;
  readonly length: number;
  readonly apart: boolean;
}

/** One answer after the other: encode(), or begin(), step() as long as there is more, and end(). */
export class ProduceAnswer {
  /** Knows the places that are left open. */
  readonly encoder = new ProduceResponseEncoder();
  readonly #space: ResponseSpace;
  readonly #replicas: ReplicaManager;
  readonly #endpoints: LeaderEndpoints;
  readonly #writer = new Writer(1024);
  #answerable!: Answerable;
  /** Where in the arena it is written, or -1: apart, and copied there at the end. */
  #at = -1;
  #topic = 0;
  #row = 0;

  constructor(space: ResponseSpace, replicas: ReplicaManager) {
    this.#space = space;
    this.#replicas = replicas;
    this.#endpoints = new LeaderEndpoints(replicas.metadata);
  }

  /** As far as it is known, PLACEHOLDER where a log will say the offset. Undefined: the arena has no room. */
  encode(correlationId: number, apiVersion: number, answerable: Answerable): Encoded | undefined {
    const space = this.#space;
    const room = roomFor(answerable.view);
    this.#at = room <= space.blockBytes ? space.reserve(room) : -1;
    if (this.#at >= 0) this.#writer.reset(space.bytes, this.#at, this.#at + room);
    else this.#writer.reset(Buffer.allocUnsafe(room));
    this.#head(correlationId, apiVersion, answerable);
    this.step(answerable.view.partitionCount);
    return this.end();
  }

  begin(correlationId: number, apiVersion: number, answerable: Answerable): void {
    this.#at = -1;
    this.#writer.reset(Buffer.allocUnsafe(roomFor(answerable.view)));
    this.#head(correlationId, apiVersion, answerable);
  }

  #head(correlationId: number, apiVersion: number, answerable: Answerable): void {
    const writer = this.#writer;
    this.#answerable = answerable;
    this.#endpoints.begin(answerable.listener);
    this.#topic = 0;
    this.#row = 0;
    writer.writeInt32(0);
    writer.writeInt32(correlationId);
    if (apiVersion >= FLEXIBLE_FROM) writer.writeUvarint(0);
    this.encoder.begin(writer, apiVersion, answerable.view.topicCount);
  }

  /** Writes up to `most` further partitions; false where none are left. */
  step(most: number): boolean {
    const { view } = this.#answerable;
    const end = Math.min(view.partitionCount, this.#row + most);
    for (; this.#topic < view.topicCount; this.#topic++) {
      const first = view.firstPartition(this.#topic);
      const behind = view.firstPartition(this.#topic + 1);
      if (this.#row === first) {
        // A topic begins with its first partition; where that is for the next step, so is the topic.
        if (first === end && end < view.partitionCount) return true;
        this.encoder.topic(view.topic(this.#topic), behind - first);
      }
      for (; this.#row < behind; this.#row++) {
        if (this.#row === end) return true;
        this.#encodeRow(this.#row);
      }
    }
    return false;
  }

  end(): Encoded | undefined {
    const space = this.#space;
    const writer = this.#writer;
    this.encoder.end(0, this.#endpoints.named);
    const length = writer.length;
    if (this.#at >= 0 && writer.bytes === space.bytes) {
      space.view.setInt32(this.#at, length - 4);
      space.commit(length);
      return { offset: this.#at, length, apart: false };
    }
    // Longer than foreseen (error messages), or than a block: it goes into a block of its own.
    const at = space.leaseApart(length);
    if (at < 0) return undefined;
    writer.finish().copy(space.bytes, at);
    space.view.setInt32(at, length - 4);
    return { offset: at, length, apart: true };
  }

  #encodeRow(row: number): void {
    const { view, rows } = this.#answerable;
    const code = rows.code[row]!;
    const index = view.partitionIndex(row);
    if (code === SUBMITTED) this.encoder.partition(index, 0, PLACEHOLDER, -1, -1);
    else this.encoder.partition(index, code, rows.baseOffset[row]!, rows.logAppendTime[row]!, rows.logStartOffset[row]!, code === 0 ? undefined : this.#details(row, code));
  }

  #details(row: number, code: number): ProducePartitionDetails {
    const { view, rows } = this.#answerable;
    const message = rows.message[row];
    const records = rows.records[row];
    const details: ProducePartitionDetails = message === undefined ? {} : { errorMessage: message };
    if (records !== undefined) details.recordErrors = records.map(({ index, message }) => ({ batchIndex: index, batchIndexErrorMessage: message }));
    if (code === ErrorCode.NotLeaderOrFollower) {
      const leader = currentLeader(this.#replicas, view.topic(this.#topic), view.partitionIndex(row));
      details.currentLeader = leader;
      this.#endpoints.name(leader.leaderId);
    }
    return details;
  }
}

function roomFor(view: ProduceRequestView): number {
  let bytes = ANSWER_BYTES + view.topicCount * TOPIC_BYTES + view.partitionCount * PARTITION_BYTES;
  for (let topic = 0; topic < view.topicCount; topic++) bytes += view.topic(topic).length * 3;
  return bytes;
}
