import { FetchRequest } from '../messages.js';
import { ProtocolError } from '../protocol-error.js';
import { Reader } from '../reader.js';
import { FetchRequestRows } from './fetch-rows.js';
import { StringPool } from './string-pool.js';

const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA';
const NULLABLE = true;
const TAG = { clusterId: 0, replicaState: 1, replicaDirectoryId: 0 } as const;

/**
 * A fetch request, looked at where it was received. One view serves one request after another; what it says holds
 * until the next `decode`. Topics are named up to version 12 and have ids from 13 on; the other one is '' or the zero
 * uuid. Partitions, and those to be forgotten, are numbered through the whole request.
 */
export class FetchRequestView {
  clusterId: string | null = null;
  replicaId = -1;
  replicaEpoch = -1;
  maxWaitMs = 0;
  minBytes = 0;
  maxBytes = 0x7fffffff;
  isolationLevel = 0;
  sessionId = 0;
  sessionEpoch = -1;
  rackId = '';
  /** What is to be fetched. */
  readonly rows = new FetchRequestRows();
  /** What a session is to forget; only its topics and partition indexes are set. */
  readonly forgotten = new FetchRequestRows();

  readonly #names: StringPool;
  readonly #ids: StringPool;
  readonly #reader = new Reader(new Uint8Array(0));
  #bytes!: Buffer;
  #version = 0;

  constructor(names = new StringPool(), ids = new StringPool('base64url')) {
    this.#names = names;
    this.#ids = ids;
  }

  /** Decodes the body that stands in `bytes[start, end)`. Throws ProtocolError where the generated codec does. */
  decode(bytes: Buffer, start: number, end: number, version: number): void {
    if (version < FetchRequest.minVersion || version > FetchRequest.maxVersion) throw new ProtocolError(`FetchRequest has no version ${version}`);
    this.#bytes = bytes;
    this.#version = version;
    const flexible = version >= FetchRequest.flexibleFrom;
    const reader = this.#reader.reset(bytes, start, end);
    this.#decodeLimits(reader, version);
    this.rows.clear();
    this.forgotten.clear();
    for (let left = flexible ? reader.readCompactCount(3) : reader.readCount(6); left > 0; left--) this.#decodeTopic(reader, flexible);
    if (version >= 7) {
      for (let left = flexible ? reader.readCompactCount(3) : reader.readCount(6); left > 0; left--) this.#decodeForgotten(reader, flexible);
    }
    this.rackId = version >= 11 ? this.#string(reader, flexible) : '';
    if (flexible) this.#decodeTags(reader, version);
  }

  #decodeLimits(reader: Reader, version: number): void {
    this.clusterId = null;
    this.replicaId = version < 15 ? reader.readInt32() : -1;
    this.replicaEpoch = -1;
    this.maxWaitMs = reader.readInt32();
    this.minBytes = reader.readInt32();
    this.maxBytes = version >= 3 ? reader.readInt32() : 0x7fffffff;
    this.isolationLevel = version >= 4 ? reader.readInt8() : 0;
    this.sessionId = version >= 7 ? reader.readInt32() : 0;
    this.sessionEpoch = version >= 7 ? reader.readInt32() : -1;
  }

  #decodeTopic(reader: Reader, flexible: boolean): void {
    const version = this.#version;
    const rows = this.rows;
    this.#beginTopic(rows, reader, flexible);
    for (let left = flexible ? reader.readCompactCount(33) : reader.readCount(16); left > 0; left--) {
      const row = rows.addPartition(reader.readInt32());
      rows.currentLeaderEpoch[row] = version >= 9 ? reader.readInt32() : -1;
      rows.fetchOffset[row] = reader.readInt64();
      rows.lastFetchedEpoch[row] = version >= 12 ? reader.readInt32() : -1;
      rows.logStartOffset[row] = version >= 5 ? reader.readInt64() : -1;
      rows.maxBytes[row] = reader.readInt32();
      if (flexible) this.#decodePartitionTags(reader, row, version);
    }
    if (flexible) reader.skipTagged();
  }

  #decodeForgotten(reader: Reader, flexible: boolean): void {
    this.#beginTopic(this.forgotten, reader, flexible);
    for (let left = flexible ? reader.readCompactCount(4) : reader.readCount(4); left > 0; left--) this.forgotten.addPartition(reader.readInt32());
    if (flexible) reader.skipTagged();
  }

  #beginTopic(rows: FetchRequestRows, reader: Reader, flexible: boolean): void {
    if (this.#version >= 13) rows.addTopic('', this.#uuid(reader));
    else rows.addTopic(this.#string(reader, flexible), ZERO_UUID);
  }

  #string(reader: Reader, flexible: boolean): string {
    const length = reader.skipString(flexible, !NULLABLE);
    return this.#names.get(this.#bytes, reader.position - length, length);
  }

  #uuid(reader: Reader): string {
    reader.skip(16);
    return this.#ids.get(this.#bytes, reader.position - 16, 16);
  }

  #decodeTags(reader: Reader, version: number): void {
    for (let left = reader.readUvarint(); left > 0; left--) {
      const tag = reader.readUvarint();
      const size = reader.readUvarint();
      if (tag === TAG.clusterId) this.clusterId = reader.readCompactNullableString();
      else if (tag === TAG.replicaState) {
        if (version < 15) throw new ProtocolError(`tag ${tag} is not valid in version ${version}`);
        this.replicaId = reader.readInt32();
        this.replicaEpoch = reader.readInt64();
        reader.skipTagged();
      } else reader.skip(size);
    }
  }

  #decodePartitionTags(reader: Reader, row: number, version: number): void {
    for (let left = reader.readUvarint(); left > 0; left--) {
      const tag = reader.readUvarint();
      const size = reader.readUvarint();
      if (tag === TAG.replicaDirectoryId) {
        if (version < 17) throw new ProtocolError(`tag ${tag} is not valid in version ${version}`);
        this.rows.directoryIds.set(row, this.#uuid(reader));
      } else reader.skip(size);
    }
  }
}
