// A member of a consumer group (the classic protocol): joins, reads what it is assigned from the committed offset on, and
// commits how far it came. It notes what it committed, and what it was told of commits.
//
// After a commit of unknown fate it joins anew: the commit may still be on its way, and only a new generation fences it.
import { setTimeout as delay } from 'node:timers/promises';
import { ErrorCode } from '../../../src/protocol/errors.js';
import {
  ConsumerProtocolAssignment, ConsumerProtocolSubscription, FindCoordinatorRequest, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, OffsetCommitRequest,
  OffsetFetchRequest, SyncGroupRequest,
  type FindCoordinatorResponse, type HeartbeatResponse, type JoinGroupResponse, type OffsetCommitResponse, type OffsetFetchResponse, type SyncGroupResponse,
} from '../../../src/protocol/messages.js';
import { Reader } from '../../../src/protocol/reader.js';
import { Writer } from '../../../src/protocol/writer.js';
import type { ClusterClient } from '../../support/cluster-client.js';
import type { History } from '../history.js';
import { fetchFrom } from './fetching.js';

export interface MemberOptions {
  readonly name: string;
  readonly group: string;
  readonly topic: string;
  readonly partitions: number;
  readonly client: ClusterClient;
  readonly history: History;
  readonly stop: AbortSignal;
}

const PAUSE_MS = 300;
const BACKOFF_MS = 200;
const SESSION_MS = 6_000;
const REBALANCE_MS = 6_000;
const ASSIGNOR = 'one-by-one';

/** The coordinator said something that ends this membership. */
class Refused extends Error {
  override readonly name = 'Refused';
  readonly code: number;

  constructor(what: string, code: number) {
    super(`${what}: error ${code}`);
    this.code = code;
  }
}

export async function consume(options: MemberOptions): Promise<void> {
  const member = new GroupMember(options);
  while (!options.stop.aborted) {
    try {
      await member.join();
      await member.work();
    } catch (error) {
      member.forget(error);
      await delay(BACKOFF_MS);
    }
  }
  await member.leave().catch(() => {});
}

/** What the group has committed, asked by nobody's member. */
export async function auditCommits(options: Omit<MemberOptions, 'stop'>): Promise<void> {
  const auditor = new GroupMember({ ...options, stop: AbortSignal.abort() });
  await auditor.audit();
}

class GroupMember {
  readonly #options: MemberOptions;
  #coordinator: number | undefined;
  #memberId = '';
  #generation = -1;
  #positions = new Map<number, number>();

  constructor(options: MemberOptions) {
    this.#options = options;
  }

  forget(error: unknown): void {
    const code = error instanceof Refused ? error.code : undefined;
    if (code === ErrorCode.RebalanceInProgress) return;
    if (code !== ErrorCode.MemberIdRequired) this.#memberId = '';
    if (code === undefined || code === ErrorCode.NotCoordinator || code === ErrorCode.CoordinatorNotAvailable) this.#coordinator = undefined;
  }

  async join(): Promise<void> {
    const { client, group, topic, partitions } = this.#options;
    this.#coordinator ??= await this.#find();
    const asked = { groupId: group, sessionTimeoutMs: SESSION_MS, rebalanceTimeoutMs: REBALANCE_MS, protocolType: 'consumer', protocols: [{ name: ASSIGNOR, metadata: subscription(topic) }] };
    const timeoutMs = 2 * REBALANCE_MS;
    let joined = await client.ask<JoinGroupResponse>(this.#coordinator, JoinGroupRequest, { ...asked, memberId: this.#memberId }, 5, timeoutMs);
    if (joined.errorCode === ErrorCode.MemberIdRequired) {
      this.#memberId = joined.memberId;
      joined = await client.ask<JoinGroupResponse>(this.#coordinator, JoinGroupRequest, { ...asked, memberId: this.#memberId }, 5, timeoutMs);
    }
    demand('JoinGroup', joined.errorCode);
    this.#memberId = joined.memberId;
    this.#generation = joined.generationId;
    const everybody = joined.members.map(({ memberId }) => memberId).toSorted();
    const assignments = joined.leader !== joined.memberId ? [] : everybody.map((memberId, index) => ({
      memberId, assignment: assignment(topic, Array.from({ length: partitions }, (_, partition) => partition).filter(partition => partition % everybody.length === index)),
    }));
    const synced = await client.ask<SyncGroupResponse>(this.#coordinator, SyncGroupRequest, { ...this.#identity, assignments }, 3, timeoutMs);
    demand('SyncGroup', synced.errorCode);
    await this.#begin(partitionsOf(synced.assignment));
  }

  /** Reads and commits until the group is rebalanced, or something fails. */
  async work(): Promise<void> {
    const { client, history, topic, name, stop } = this.#options;
    while (!stop.aborted) {
      const answer = await client.ask<HeartbeatResponse>(this.#coordinator!, HeartbeatRequest, this.#identity, 3);
      demand('Heartbeat', answer.errorCode);
      for (const [partition, from] of this.#positions) {
        const port = await client.leaderOf(topic, partition);
        if (port === undefined) continue;
        // A leader that cannot be reached is no reason to leave the group.
        const { records } = await fetchFrom(client, port, topic, partition, from).catch(() => ({ records: [] }));
        if (records.length === 0) continue;
        history.note({ did: 'read', by: name, partition: `${topic}-${partition}`, from, records });
        const next = records.at(-1)![0] + 1;
        await this.#commit(partition, next);
        this.#positions.set(partition, next);
      }
      await delay(PAUSE_MS);
    }
  }

  async audit(): Promise<void> {
    this.#coordinator = await this.#find();
    await this.#begin(Array.from({ length: this.#options.partitions }, (_, partition) => partition));
  }

  async leave(): Promise<void> {
    if (this.#coordinator !== undefined) await this.#options.client.ask(this.#coordinator, LeaveGroupRequest, { groupId: this.#options.group, memberId: this.#memberId }, 2);
  }

  get #identity(): { groupId: string; memberId: string; generationId: number } {
    return { groupId: this.#options.group, memberId: this.#memberId, generationId: this.#generation };
  }

  async #find(): Promise<number> {
    const { client, group } = this.#options;
    await client.metadata([]);
    const answers = await Promise.allSettled(client.ports.map(port => client.ask<FindCoordinatorResponse>(port, FindCoordinatorRequest, { key: group, keyType: 0 }, 3)));
    const found = answers.map(answer => (answer.status === 'fulfilled' ? answer.value : undefined)).find(answer => answer?.errorCode === ErrorCode.None);
    if (found === undefined) throw new Refused('FindCoordinator', ErrorCode.CoordinatorNotAvailable);
    return found.port;
  }

  async #begin(partitions: readonly number[]): Promise<void> {
    const { client, history, group, topic, name } = this.#options;
    this.#positions = new Map();
    if (partitions.length === 0) return;
    const asked = partitions.map(partition => {
      const op = history.nextOp();
      history.note({ did: 'ask-committed', op, by: name, group, partition: `${topic}-${partition}` });
      return { partition, op };
    });
    const answer = await client.ask<OffsetFetchResponse>(this.#coordinator!, OffsetFetchRequest, { groupId: group, topics: [{ name: topic, partitionIndexes: partitions }], requireStable: true }, 7);
    demand('OffsetFetch', answer.errorCode);
    for (const row of answer.topics[0]?.partitions ?? []) {
      demand('OffsetFetch', row.errorCode);
      const { op } = asked.find(({ partition }) => partition === row.partitionIndex)!;
      history.note({ did: 'told-committed', op, offset: row.committedOffset });
      this.#positions.set(row.partitionIndex, Math.max(0, row.committedOffset));
    }
  }

  async #commit(partition: number, offset: number): Promise<void> {
    const { client, history, group, topic, name } = this.#options;
    const op = history.nextOp();
    history.note({ did: 'commit', op, by: name, group, partition: `${topic}-${partition}`, offset });
    const { groupId, memberId, generationId } = this.#identity;
    const answer = await client.ask<OffsetCommitResponse>(this.#coordinator!, OffsetCommitRequest, {
      groupId, memberId, generationIdOrMemberEpoch: generationId, topics: [{ name: topic, partitions: [{ partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: -1, committedMetadata: '' }] }],
    }, 7);
    demand('OffsetCommit', answer.topics[0]!.partitions[0]!.errorCode);
    history.note({ did: 'committed', op });
  }
}

function demand(what: string, code: number): void {
  if (code !== ErrorCode.None) throw new Refused(what, code);
}

/** As consumers say it: a version, then the message in it. */
function subscription(topic: string): Uint8Array {
  const writer = new Writer();
  writer.writeInt16(0);
  ConsumerProtocolSubscription.encode(writer, { topics: [topic] }, 0);
  return writer.finish();
}

function assignment(topic: string, partitions: readonly number[]): Uint8Array {
  const writer = new Writer();
  writer.writeInt16(0);
  ConsumerProtocolAssignment.encode(writer, { assignedPartitions: partitions.length === 0 ? [] : [{ topic, partitions }] }, 0);
  return writer.finish();
}

function partitionsOf(bytes: Uint8Array): readonly number[] {
  if (bytes.length === 0) return [];
  const reader = new Reader(bytes);
  const version = reader.readInt16();
  return ConsumerProtocolAssignment.decode(reader, version).assignedPartitions.flatMap(({ partitions }) => partitions);
}
