// Opening one partition: the native log, and what is kept beside it — topic id, leader epochs, producer state. After an
// unclean stop both are brought up to the log's end by a look at the batches since the last snapshot (LogLoader.scala).

import type { TopicName } from '../base/topic-name.js';
import { join } from 'node:path';
import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/logger.js';
import { ScanField, type LogOptions, type NativeExchange } from '../native/exchange.js';
import type { Jobs } from '../native/jobs.js';
import { LEADER_EPOCHS, readEpochs, writeEpochs, type EpochEntry } from './checkpoint-file.js';
import { LatestWriter } from './latest-writer.js';
import { LeaderEpochCache } from './leader-epoch-cache.js';
import { PartitionLog } from './partition-log.js';
import { PARTITION_METADATA, readPartitionMetadata } from './partition-metadata.js';
import { ProducerSnapshots } from './producer-snapshots.js';
import { ProducerStateManager } from './producer-state.js';
import type { Storage } from './storage.js';
import { sequenceAfter } from './producer-entry.js';

export interface OpenPartitionRequest {
  readonly topic: TopicName;
  readonly partition: number;
  readonly logDir: string;
  readonly directory: string;
  readonly recoveryPoint: number;
  readonly startOffset: number;
  readonly clean: boolean;
  readonly logOptions: LogOptions;
  readonly native: NativeExchange;
  readonly jobs: Jobs;
  readonly storage: Storage;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly producerExpirationMs: () => number;
  readonly onMetadataFailed: (error: unknown) => void;
}

export interface OpenedPartition {
  readonly log: PartitionLog;
  readonly snapshots: ProducerSnapshots;
  /** Settles when the epoch checkpoint says what the cache says. */
  readonly metadataWritten: () => Promise<void>;
}

const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';
const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;

export async function openPartition(request: OpenPartitionRequest): Promise<OpenedPartition> {
  const { storage, directory } = request;
  const epochsPath = join(directory, LEADER_EPOCHS);
  const writer = new LatestWriter<readonly EpochEntry[]>(entries => writeEpochs(storage, epochsPath, entries));
  const [topicId, epochEntries] = await Promise.all([
    readPartitionMetadata(storage, join(directory, PARTITION_METADATA)),
    readEpochs(storage, epochsPath),
  ]);
  let unwritten: readonly EpochEntry[] | undefined;
  const persist = (entries: readonly EpochEntry[]): void => {
    writer.write(entries).then(() => { unwritten = undefined; }, (error: unknown) => {
      unwritten = entries;
      request.onMetadataFailed(error);
    });
  };
  const log = new PartitionLog(request.native, request.jobs, {
    topic: request.topic,
    partition: request.partition,
    topicId: topicId ?? ZERO_ID,
    logDir: request.logDir,
    directory,
    epochs: new LeaderEpochCache(epochEntries, persist),
    producers: new ProducerStateManager({ expirationMs: request.producerExpirationMs }),
  });
  const { rescanned } = await log.open(request.logOptions, request.recoveryPoint, request.startOffset, request.clean);
  if (rescanned > 0) request.logger.info({ log: directory, bytes: rescanned, end: log.endOffset }, 'log recovered');
  const snapshots = new ProducerSnapshots(storage, directory, request.logger);
  try {
    log.epochs.truncateFromEnd(log.endOffset);
    log.epochs.truncateFromStart(log.startOffset);
    await snapshots.open();
    await snapshots.removeOutside(log.startOffset - 1, log.endOffset);
    await rebuildState(log, snapshots, request.clock, request.clean);
  } catch (error) {
    // It is opened anew later, or its directory is to go: nothing may be open in it then, and nothing be written to it.
    await Promise.all([writer.idle(), log.abandon().catch(() => {})]);
    throw error;
  }
  const metadataWritten = async (): Promise<void> => {
    await writer.idle();
    // The disk was full when it was due. If it still is, the stop is not clean, and recovery finds the epochs in the log.
    if (unwritten !== undefined) await writer.write(unwritten);
  };
  return { log, snapshots, metadataWritten };
}

/** Producer state from the newest snapshot on; epochs too, where the checkpoint may have missed some. */
async function rebuildState(log: PartitionLog, snapshots: ProducerSnapshots, clock: Clock, clean: boolean): Promise<void> {
  const snapshot = await snapshots.loadNewest(log.endOffset);
  if (snapshot !== undefined) log.producers.load(snapshot.producers, clock.now());
  const from = Math.max(snapshot?.offset ?? 0, log.startOffset);
  await log.scan(from, (fields, at) => {
    const epoch = fields[at + ScanField.leaderEpoch]!;
    if (!clean && epoch > log.epochs.latestEpoch) log.epochs.assign(epoch, fields[at + ScanField.baseOffset]!);
    replay(log.producers, fields, at, from);
  });
}

function replay(producers: ProducerStateManager, fields: Float64Array, at: number, from: number): void {
  const producerId = fields[at + ScanField.producerId]!;
  // The first batch of a scan may begin before the snapshot, and is in it.
  if (producerId < 0 || fields[at + ScanField.lastOffset]! < from) return;
  const attributes = fields[at + ScanField.attributes]!;
  const producerEpoch = fields[at + ScanField.producerEpoch]!;
  const timestamp = fields[at + ScanField.maxTimestamp]!;
  if ((attributes & CONTROL) !== 0) {
    const aborted = fields[at + ScanField.controlType] === 0;
    producers.endTransaction(producerId, producerEpoch, fields[at + ScanField.coordinatorEpoch]!, fields[at + ScanField.lastOffset]!, timestamp, aborted);
    return;
  }
  const baseOffset = fields[at + ScanField.baseOffset]!;
  const lastOffset = fields[at + ScanField.lastOffset]!;
  const lastSequence = sequenceAfter(fields[at + ScanField.baseSequence]!, lastOffset - baseOffset);
  producers.replay(producerId, producerEpoch, lastSequence, baseOffset, lastOffset, timestamp, (attributes & TRANSACTIONAL) !== 0);
}
