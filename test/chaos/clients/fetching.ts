// One fetch of one partition, as values.
import { ErrorCode } from '../../../src/protocol/errors.js';
import { FetchRequest, ListOffsetsRequest, type FetchResponse, type ListOffsetsResponse } from '../../../src/protocol/messages.js';
import { readRecords, walkBatches } from '../../../src/protocol/records/index.js';
import { inflated } from '../../support/inflate.js';
import type { ClusterClient } from '../../support/cluster-client.js';

export interface Fetched {
  readonly errorCode: number;
  readonly records: readonly (readonly [number, string])[];
}

export async function fetchFrom(client: ClusterClient, port: number, topic: string, partition: number, offset: number): Promise<Fetched> {
  const answer = await client.ask<FetchResponse>(port, FetchRequest, {
    replicaId: -1, maxWaitMs: 100, minBytes: 1, maxBytes: 1 << 20, isolationLevel: 0, sessionId: 0, sessionEpoch: -1, rackId: '',
    topics: [{ topic, partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: 1 << 18, currentLeaderEpoch: -1, lastFetchedEpoch: -1, logStartOffset: -1 }] }],
  }, 12);
  const row = answer.responses[0]?.partitions[0];
  if (answer.errorCode !== 0 || row === undefined) return { errorCode: answer.errorCode === 0 ? ErrorCode.UnknownServerError : answer.errorCode, records: [] };
  return { errorCode: row.errorCode, records: row.records === null || row.records === undefined ? [] : valuesIn(row.records).filter(([at]) => at >= offset) };
}

export async function endOf(client: ClusterClient, port: number, topic: string, partition: number): Promise<number | undefined> {
  const answer = await client.ask<ListOffsetsResponse>(port, ListOffsetsRequest, {
    replicaId: -1, isolationLevel: 0, topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp: -1, currentLeaderEpoch: -1 }] }],
  }, 7);
  const row = answer.topics[0]?.partitions[0];
  return row?.errorCode === ErrorCode.None ? row.offset : undefined;
}

function valuesIn(bytes: Uint8Array): (readonly [number, string])[] {
  return [...walkBatches(bytes)].filter(batch => !batch.isControl)
    .flatMap(batch => readRecords(batch, inflated(batch)).map(({ offset, value }) => [offset, value?.toString() ?? ''] as const));
}
