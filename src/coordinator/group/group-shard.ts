import type { LoggedRecord } from '../runtime/batches.js';
import type { EncodedRecord, StateMachine } from '../runtime/state-machine.js';
import type { GroupEnvironment } from './environment.js';
import { Group } from './group.js';
import { decodeRecord, encodeRecord } from './records.js';
import type { GenerationRecord, GroupRecord, OffsetRecord } from './records.js';
import { restore, unload } from './lifecycle.js';
import { generationCommitted } from './sync.js';

/** The groups of one partition of __consumer_offsets. */
export class GroupShard implements StateMachine<GroupRecord> {
  readonly #groups = new Map<string, Group>();
  readonly #environment: GroupEnvironment;

  constructor(environment: GroupEnvironment) {
    this.#environment = environment;
  }

  /** A dead one is nobody any more, also while its tombstones are on their way. */
  find(groupId: string): Group | undefined {
    const group = this.#groups.get(groupId);
    return group?.state === 'Dead' ? undefined : group;
  }

  /** Who takes a dead group's place comes behind its tombstones in the log. */
  findOrCreate(groupId: string): Group {
    return this.find(groupId) ?? this.#create(groupId);
  }

  *groups(): Iterable<Group> {
    for (const group of this.#groups.values()) if (group.state !== 'Dead') yield group;
  }

  /** A dead group whose tombstones are in the log, or that needed none, is kept no longer. */
  forgetIfGone(group: Group): void {
    if (group.state !== 'Dead' || !group.offsets.isEmpty || group.saved !== null) return;
    if (this.#groups.get(group.id) === group) this.#groups.delete(group.id);
  }

  encode(record: GroupRecord): EncodedRecord {
    return encodeRecord(record);
  }

  replay(logged: LoggedRecord): boolean {
    const record = decodeRecord(logged);
    if (record === undefined) return false;
    const group = this.findOrCreate(record.group);
    if (record.kind === 'generation') {
      group.saved = record.value;
    } else {
      const { topic, partition, value } = record;
      if (logged.transaction === null) group.offsets.apply(topic, partition, value, logged.batchOffset);
      else group.offsets.applyInTransaction(logged.transaction, topic, partition, value, logged.batchOffset);
    }
    return true;
  }

  endTransaction(producerId: number, committed: boolean): void {
    for (const group of this.#groups.values()) group.offsets.endTransaction(producerId, committed);
  }

  *loaded(): Iterable<void> {
    for (const group of this.#groups.values()) {
      if (group.saved === null && group.offsets.isEmpty) this.#groups.delete(group.id);
      else restore(group);
      yield;
    }
  }

  apply(record: GroupRecord, offset: number): void {
    switch (record.kind) {
      case 'offset': return this.#applyOffset(record, offset);
      case 'generation': return this.#applyGeneration(record);
    }
  }

  discard(record: GroupRecord): void {
    const group = this.#groups.get(record.group);
    if (group === undefined) return;
    if (record.kind === 'offset' && record.value !== null) group.offsets.settled(record.topic, record.partition);
    // Only a group's own tombstones make it dead, and now they will not come.
    if (record.value === null && group.state === 'Dead') group.enter('Empty');
  }

  unload(): void {
    for (const group of this.#groups.values()) unload(group);
  }

  #create(groupId: string): Group {
    const group = new Group(groupId, this.#environment);
    this.#groups.set(groupId, group);
    return group;
  }

  #applyOffset({ group: groupId, topic, partition, value }: OffsetRecord, offset: number): void {
    const group = this.#groups.get(groupId) ?? (value === null ? undefined : this.#create(groupId));
    if (group === undefined) return;
    group.offsets.apply(topic, partition, value, offset);
    if (value !== null) return group.offsets.settled(topic, partition);
    // In a transaction that ends later it would come back from the dead.
    group.offsets.forgetTransactional(topic, partition);
    this.forgetIfGone(group);
  }

  #applyGeneration({ group: groupId, value }: GenerationRecord): void {
    const group = this.#groups.get(groupId);
    if (group === undefined) return;
    if (value !== null) return generationCommitted(group, value);
    group.saved = null;
    this.forgetIfGone(group);
  }
}
