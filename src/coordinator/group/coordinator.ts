import { GroupAdminApi } from './admin-api.js';
import { GroupDirectory } from './directory.js';
import type { GroupCoordinatorOptions as DirectoryOptions } from './directory.js';
import { MembershipApi } from './membership-api.js';
import { OffsetsApi } from './offsets-api.js';
import type { LegacyOffsets } from './offsets-api.js';
import { Retention } from './retention.js';

export type { GroupCoordinatorConfig, GroupCoordinatorMetadata } from './directory.js';
export type { ClientFacts } from './membership-api.js';
export type { FetchedGroup, LegacyOffsets } from './offsets-api.js';

export interface GroupCoordinatorOptions extends DirectoryOptions {
  readonly legacyOffsets: LegacyOffsets;
}

/** The coordinator of classic consumer groups. Everything it knows comes from, and goes to, __consumer_offsets. */
export class GroupCoordinator {
  readonly members: MembershipApi;
  readonly offsets: OffsetsApi;
  readonly admin: GroupAdminApi;
  readonly #groups: GroupDirectory;
  readonly #retention: Retention;

  constructor(options: GroupCoordinatorOptions) {
    this.#groups = new GroupDirectory(options);
    this.members = new MembershipApi(this.#groups);
    this.offsets = new OffsetsApi(this.#groups, options.legacyOffsets);
    this.admin = new GroupAdminApi(this.#groups);
    this.#retention = new Retention(this.#groups, options.clock, options.timers, options.logger);
    this.#retention.start();
  }

  /** The partition of __consumer_offsets, and so the broker, that a group belongs to. */
  partitionFor(groupId: string): number {
    return this.#groups.partitionFor(groupId);
  }

  /** This broker leads the partition from this leader epoch on. Resolves when its groups are loaded; no need to wait. */
  onElected(partition: number, epoch: number): Promise<void> {
    return this.#groups.runtime.elected(partition, epoch);
  }

  /** It leads it no more. Without an epoch: the replica is being removed. */
  onResigned(partition: number, epoch?: number): void {
    this.#groups.runtime.resigned(partition, epoch);
  }

  /** Topics are gone, and with them what groups have committed there. */
  onPartitionsDeleted(partitions: readonly { topic: string; partition: number }[]): void {
    this.#retention.forget(partitions);
  }

  /** Resolves when nobody can read offsets of topics any more that were deleted before. */
  partitionsForgotten(): Promise<void> {
    return this.#retention.forgotten();
  }

  /** A transaction marker is committed in a partition of __consumer_offsets. */
  onTransactionEnded(partition: number, producerId: number, committed: boolean): void {
    const located = this.#groups.runtime.locate(partition);
    if (located.ok) located.shard.machine.endTransaction(producerId, committed);
  }

  /** Answers whatever is parked with NOT_COORDINATOR and leaves no timer behind. */
  close(): void {
    this.#retention.close();
    this.#groups.runtime.close();
  }
}

export function createGroupCoordinator(options: GroupCoordinatorOptions): GroupCoordinator {
  return new GroupCoordinator(options);
}
