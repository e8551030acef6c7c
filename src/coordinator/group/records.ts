import { Reader } from '../../protocol/reader.js';
import { Writer } from '../../protocol/writer.js';
import { GroupMetadataKey, GroupMetadataValue, OffsetCommitKey, OffsetCommitValue } from '../../protocol/messages.js';
import type { LoggedRecord } from '../runtime/batches.js';
import type { EncodedRecord } from '../runtime/state-machine.js';

// What __consumer_offsets says, and how (GroupMetadataManager.scala). Keys and values begin with an int16 version; a
// key's version tells what kind of record it is.
//   key 0, 1  an offset of (group, topic, partition)     value 0-4; written: 3, or 1 when it has an expiry time
//   key 2     a group's last completed rebalance         value 0-4; written: 3
//   others    groups of KIP-848 and KIP-932, skipped
// No value is a tombstone.

export interface CommittedOffset {
  readonly offset: number;
  /** -1: the committer did not say. */
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitTimestamp: number;
  /** -1: whatever offsets.retention.minutes says. */
  readonly expireTimestamp: number;
}

export interface SavedMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeout: number;
  readonly sessionTimeout: number;
  readonly subscription: Uint8Array;
  readonly assignment: Uint8Array;
}

/** A generation with its plan. Without members: the group has become empty. */
export interface SavedGroup {
  readonly protocolType: string;
  readonly generation: number;
  readonly protocol: string | null;
  readonly leader: string | null;
  /** -1 in records older than version 2. */
  readonly currentStateTimestamp: number;
  readonly members: readonly SavedMember[];
}

export interface OffsetRecord {
  readonly kind: 'offset';
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly value: CommittedOffset | null;
}

export interface GenerationRecord {
  readonly kind: 'generation';
  readonly group: string;
  readonly value: SavedGroup | null;
}

export type GroupRecord = OffsetRecord | GenerationRecord;

const OFFSET_KEY = 1;
const GENERATION_KEY = 2;
const GENERATION_VALUE = 3;
const OFFSET_VALUE = 3;
/** The only version that can hold an expiry time. */
const EXPIRING_OFFSET_VALUE = 1;
const NEWEST_VALUE = 4;

export function encodeRecord(record: GroupRecord): EncodedRecord {
  switch (record.kind) {
    case 'offset': {
      const { group, topic, partition, value } = record;
      const key = versioned(OFFSET_KEY, writer => OffsetCommitKey.encode(writer, { group, topic, partition }, OFFSET_KEY));
      return { key, value: value === null ? null : encodeOffset(value) };
    }
    case 'generation': {
      const { group, value } = record;
      const key = versioned(GENERATION_KEY, writer => GroupMetadataKey.encode(writer, { group }, GENERATION_KEY));
      return { key, value: value === null ? null : encodeGeneration(value) };
    }
  }
}

function encodeOffset(value: CommittedOffset): Uint8Array {
  const version = value.expireTimestamp === -1 ? OFFSET_VALUE : EXPIRING_OFFSET_VALUE;
  return versioned(version, writer => OffsetCommitValue.encode(writer, value, version));
}

function encodeGeneration(value: SavedGroup): Uint8Array {
  const message = { ...value, members: value.members.map(member => ({ ...member })) };
  return versioned(GENERATION_VALUE, writer => GroupMetadataValue.encode(writer, message, GENERATION_VALUE));
}

function versioned(version: number, encode: (writer: Writer) => void): Uint8Array {
  const writer = new Writer(128);
  writer.writeInt16(version);
  encode(writer);
  return writer.finish();
}

/** Undefined: a kind of record that classic groups do not have. Nothing in the result points into the log's bytes. */
export function decodeRecord({ key, value }: LoggedRecord): GroupRecord | undefined {
  const reader = new Reader(key);
  const version = reader.readInt16();
  switch (version) {
    case 0:
    case 1: {
      const { group, topic, partition } = OffsetCommitKey.decode(reader, version);
      return { kind: 'offset', group, topic, partition, value: value === null ? null : decodeOffset(value) };
    }
    case GENERATION_KEY: {
      const { group } = GroupMetadataKey.decode(reader, version);
      return { kind: 'generation', group, value: value === null ? null : decodeGeneration(value) };
    }
    default:
      return undefined;
  }
}

function decodeOffset(bytes: Uint8Array): CommittedOffset {
  const reader = new Reader(bytes);
  const { offset, leaderEpoch, metadata, commitTimestamp, expireTimestamp } = OffsetCommitValue.decode(reader, valueVersion(reader));
  return { offset, leaderEpoch, metadata, commitTimestamp, expireTimestamp };
}

function decodeGeneration(bytes: Uint8Array): SavedGroup {
  const reader = new Reader(bytes);
  const version = valueVersion(reader);
  const { protocolType, generation, protocol, leader, currentStateTimestamp, members } = GroupMetadataValue.decode(reader, version);
  return {
    protocolType, generation, protocol, leader, currentStateTimestamp,
    members: members.map(({ memberId, groupInstanceId, clientId, clientHost, rebalanceTimeout, sessionTimeout, subscription, assignment }) => ({
      memberId, groupInstanceId, clientId, clientHost, sessionTimeout,
      // Version 0 knows no rebalance timeout; the session timeout was used.
      rebalanceTimeout: version === 0 ? sessionTimeout : rebalanceTimeout,
      subscription: Buffer.from(subscription),
      assignment: Buffer.from(assignment),
    })),
  };
}

function valueVersion(reader: Reader): number {
  const version = reader.readInt16();
  // As Kafka does: a value from the future fails the load, it is not guessed at.
  if (version < 0 || version > NEWEST_VALUE) throw new Error(`unknown version ${version} of a group coordinator record`);
  return version;
}
