import { bytes, integer, integers, object, objects, parse, string } from './json.js';

export interface PartitionReassignment {
  readonly topic: string;
  readonly partition: number;
  readonly replicas: readonly number[];
}

/** /admin/reassign_partitions, version 1: written by tools of before KIP-455, shrunk and deleted by the controller. */
export function encodeReassignment(partitions: readonly PartitionReassignment[]): Buffer {
  return bytes(object({ version: 1, partitions: partitions.map(({ topic, partition, replicas }) => object({ topic, partition, replicas })) }));
}

export function decodeReassignment(data: Uint8Array): PartitionReassignment[] {
  return objects(parse(data), 'partitions').map(each => ({
    topic: string(each, 'topic'), partition: integer(each, 'partition'), replicas: integers(each['replicas'], 'replicas'),
  }));
}
