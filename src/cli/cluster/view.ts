// A cluster as one of its brokers sees it, asked by Metadata, and as a table.
import { connect } from 'node:net';
import type { Timers } from '../../base/timers.js';
import { apiByKey } from '../../protocol/apis.js';
import { decodeResponseHeader, encodeRequestHeader } from '../../protocol/headers.js';
import { MetadataRequest, MetadataResponse } from '../../protocol/messages.js';
import { Reader } from '../../protocol/reader.js';
import { Writer } from '../../protocol/writer.js';

export interface PartitionView {
  readonly topic: string;
  readonly partition: number;
  /** -1: nobody. */
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

export interface ClusterView {
  /** -1: nobody that is known. */
  readonly controller: number;
  readonly brokers: readonly number[];
  readonly partitions: readonly PartitionView[];
}

/** A broker of ours, whether it lives or not. */
export interface BrokerLine {
  readonly id: number;
  readonly address: string;
  readonly pid: number;
  readonly state: 'up' | 'ended';
}

const VERSION = 12;
const PATIENCE_MS = 2_000;
/** Partitions listed one by one; more are told as numbers only. */
const MOST_LISTED = 24;

/** Rejects where nobody answers in time. */
export function askView(port: number, timers: Timers): Promise<ClusterView> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, 'localhost', () => socket.write(question()));
    const late = timers.after(PATIENCE_MS, () => socket.destroy(new Error('no answer in time')));
    const chunks: Buffer[] = [];
    socket.on('data', chunk => {
      chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      if (bytes.length < 4 || bytes.length < 4 + bytes.readInt32BE(0)) return;
      socket.destroy();
      try {
        resolve(answered(bytes.subarray(4)));
      } catch (error) {
        reject(error);
      }
    });
    socket.on('error', reject);
    socket.on('close', () => {
      late.cancel();
      reject(new Error('the connection ended'));
    });
  });
}

function question(): Buffer {
  const writer = new Writer();
  writer.writeInt32(0);
  encodeRequestHeader(writer, apiByKey(MetadataRequest.apiKey)!, VERSION, 0, 'odradek-cluster');
  MetadataRequest.encode(writer, { topics: null, allowAutoTopicCreation: false }, VERSION);
  const bytes = Buffer.from(writer.finish());
  bytes.writeInt32BE(bytes.length - 4);
  return bytes;
}

function answered(frame: Buffer): ClusterView {
  const reader = new Reader(frame);
  decodeResponseHeader(reader, apiByKey(MetadataResponse.apiKey)!, VERSION);
  const { brokers, controllerId, topics } = MetadataResponse.decode(reader, VERSION);
  return {
    controller: controllerId,
    brokers: brokers.map(({ nodeId }) => nodeId),
    partitions: topics.flatMap(({ name, partitions }) => partitions.map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) =>
      ({ topic: name ?? '', partition: partitionIndex, leader: leaderId, replicas: replicaNodes, isr: isrNodes }))),
  };
}

export function table(lines: readonly BrokerLine[], { controller, brokers, partitions }: ClusterView): string {
  const rows = lines.map(({ id, address, pid, state }) => [
    String(id), address, String(pid), state === 'up' && !brokers.includes(id) ? 'not registered' : state, id === controller ? 'yes' : '',
    String(partitions.filter(({ leader }) => leader === id).length),
    String(partitions.filter(({ replicas }) => replicas.includes(id)).length),
    String(partitions.filter(({ replicas, isr }) => replicas.includes(id) && !isr.includes(id)).length),
  ]);
  const listed = partitions.filter(({ topic }) => !topic.startsWith('__'))
    .toSorted((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition);
  const shown = listed.length > MOST_LISTED ? [] : listed.map(({ topic, partition, leader, replicas, isr }) =>
    [`${topic}-${partition}`, leader < 0 ? 'none' : String(leader), replicas.join(','), isr.join(',')]);
  return [
    columns([['broker', 'address', 'pid', 'state', 'controller', 'leads', 'replicas', 'out of sync'], ...rows]),
    ...(shown.length === 0 ? [] : [columns([['partition', 'leader', 'replicas', 'in sync'], ...shown])]),
  ].join('\n');
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)));
  return rows.map(row => `${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd()}\n`).join('');
}
