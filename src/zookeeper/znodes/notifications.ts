import { bytes, integer, object, objects, parse, string, type Json } from './json.js';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

const partitionList = (partitions: readonly TopicPartition[]): Json[] => partitions.map(({ topic, partition }) => object({ topic, partition }));

function readPartitions(data: Uint8Array): TopicPartition[] {
  return objects(parse(data), 'partitions').map(each => ({ topic: string(each, 'topic'), partition: integer(each, 'partition') }));
}

/** /isr_change_notification/isr_change_<sequence>, version 1: only leaders of inter-broker protocols before 2.7 write it. */
export const encodeIsrChange = (partitions: readonly TopicPartition[]): Buffer => bytes(object({ version: 1, partitions: partitionList(partitions) }));
export const decodeIsrChange = readPartitions;

const LOG_DIR_FAILURE = 1;

/** /log_dir_event_notification/log_dir_event_<sequence>, version 1: a directory of this broker failed. */
export const encodeLogDirEvent = (brokerId: number): Buffer => bytes(object({ version: 1, broker: brokerId, event: LOG_DIR_FAILURE }));
export const decodeLogDirEvent = (data: Uint8Array): number => integer(parse(data), 'broker');

/** /admin/preferred_replica_election, version 1. */
export const encodePreferredElection = (partitions: readonly TopicPartition[]): Buffer => bytes(object({ version: 1, partitions: partitionList(partitions) }));
export const decodePreferredElection = readPartitions;
