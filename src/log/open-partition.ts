// Opening one partition: the native log, and what is kept beside it — topic id, leader epochs, producer state. After an
// unclean stop both are brought up to the log's end by a look at the batches since the last snapshot (LogLoader.scala).

import type { TopicName } from '../base/topic-name.js';
import { join } from 'node:path';
import type { Logger } from '../base/logger.js';
import { ScanField, type LogOptions } from '../native/exchange.js';
import { LEADER_EPOCHS, readEpochs, writeEpochs, type EpochEntry } from './checkpoint-file.js';
import { LatestWriter } from './latest-writer.js';
import { LeaderEpochCache } from './leader-epoch-cache.js';
import { PartitionLog, type LogAccess } from './partition-log.js';
import { PARTITION_METADATA, readPartitionMetadata } from './partition-metadata.js';
import { replayProducers } from './producer-replay.js';
import { ProducerSnapshots } from './producer-snapshots.js';
import { ProducerStateManager } from './producer-state.js';
import type { Storage } from './storage.js';

export interface OpenPartitionRequest {
  readonly topic: TopicName;
  readonly partition: number;
  readonly logDir: string;
  readonly directory: string;
  readonly recoveryPoint: number;
  readonly startOffset: number;
  readonly clean: boolean;
  readonly logOptions: LogOptions;
  readonly access: LogAccess;
  readonly storage: Storage;
  readonly logger: Logger;
  readonly producerExpirationMs: () => number;
  readonly onMetadataFailed: (error: unknown) => void;
}

export interface OpenedPartition {
  readonly log: PartitionLog;
  /** Settles when the epoch checkpoint says what the cache says. */
  readonly metadataWritten: () => Promise<void>;
}

const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';

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
  const snapshots = new ProducerSnapshots(storage, directory, request.logger);
  const log = new PartitionLog(request.access, {
    topic: request.topic,
    partition: request.partition,
    topicId: topicId ?? ZERO_ID,
    logDir: request.logDir,
    directory,
    epochs: new LeaderEpochCache(epochEntries, persist),
    producers: new ProducerStateManager({ expirationMs: request.producerExpirationMs }),
    snapshots,
  });
  const { rescanned } = await log.open(request.logOptions, request.recoveryPoint, request.startOffset, request.clean);
  if (rescanned > 0) request.logger.info({ log: directory, bytes: rescanned, end: log.endOffset }, 'log recovered');
  try {
    log.epochs.truncateFromEnd(log.endOffset);
    log.epochs.truncateFromStart(log.startOffset);
    await snapshots.open();
    await snapshots.removeOutside(log.startOffset - 1, log.endOffset);
    // Epochs too, where the checkpoint may have missed some.
    await replayProducers(log, log.producers, request.access.clock.now(), (fields, at) => {
      const epoch = fields[at + ScanField.leaderEpoch]!;
      if (!request.clean && epoch > log.epochs.latestEpoch) log.epochs.assign(epoch, fields[at + ScanField.baseOffset]!);
    });
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
  return { log, metadataWritten };
}
