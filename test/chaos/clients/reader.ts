// Readers: one that follows everything from the beginning while the faults go on, and one that reads all of it in the end.
import { setTimeout as delay } from 'node:timers/promises';
import { ErrorCode } from '../../../src/protocol/errors.js';
import type { ClusterClient } from '../../support/cluster-client.js';
import type { Chance } from '../../twin/chance.js';
import { FINAL_READER, type History } from '../history.js';
import { endOf, fetchFrom } from './fetching.js';

export interface Place {
  readonly topic: string;
  readonly partition: number;
}

export interface ReaderOptions {
  readonly name: string;
  readonly places: readonly Place[];
  readonly client: ClusterClient;
  readonly history: History;
  readonly chance: Chance;
  /** Whom it asks: leaders, or any replica, as consumers do that want the nearest (KIP-392). */
  readonly asks: 'leaders' | 'replicas';
  readonly stop: AbortSignal;
}

const PAUSE_MS = 150;
const BACKOFF_MS = 100;

const nameOf = ({ topic, partition }: Place): string => `${topic}-${partition}`;

export async function read(options: ReaderOptions): Promise<void> {
  await Promise.all(options.places.map(place => follow(options, place)));
}

async function follow({ name, client, history, chance, asks, stop }: ReaderOptions, place: Place): Promise<void> {
  let next = 0;
  while (!stop.aborted) {
    try {
      const { port, leads } = await whom(client, place, asks === 'replicas' ? chance : undefined);
      const { errorCode, records } = await fetchFrom(client, port, place.topic, place.partition, next);
      // A follower may not have what its leader has; a leader has all that anybody was given.
      if (errorCode === ErrorCode.OffsetOutOfRange && leads) history.note({ did: 'complain', by: name, partition: nameOf(place), what: `the leader says that ${next} is out of range` });
      if (records.length > 0) {
        history.note({ did: 'read', by: name, partition: nameOf(place), from: next, records });
        next = records.at(-1)![0] + 1;
      }
      await delay(errorCode === ErrorCode.None ? PAUSE_MS : BACKOFF_MS);
    } catch {
      await delay(BACKOFF_MS);
    }
  }
}

async function whom(client: ClusterClient, { topic, partition }: Place, chance?: Chance): Promise<{ readonly port: number; readonly leads: boolean }> {
  const answer = await client.metadata([topic]);
  const found = answer.topics[0]?.partitions.find(({ partitionIndex }) => partitionIndex === partition);
  const broker = found === undefined ? -1 : chance === undefined ? found.leaderId : chance.pick(found.isrNodes);
  const port = client.portOf(broker);
  if (port === undefined) throw new Error(`nobody leads ${topic}-${partition}`);
  return { port, leads: broker === found?.leaderId };
}

/** Everything from the beginning to the end. Rejects where that cannot be read in time. */
export async function readAll(client: ClusterClient, history: History, places: readonly Place[], deadline: AbortSignal): Promise<void> {
  for (const place of places) await readOne(client, history, place, deadline);
}

async function readOne(client: ClusterClient, history: History, place: Place, deadline: AbortSignal): Promise<void> {
  const { topic, partition } = place;
  let next = 0;
  let end: number | undefined;
  let last = 'nothing was answered';
  while (!deadline.aborted) {
    try {
      const { port } = await whom(client, place);
      end ??= await endOf(client, port, topic, partition);
      if (end === undefined) continue;
      if (next >= end) {
        if (end === 0) history.note({ did: 'read', by: FINAL_READER, partition: nameOf(place), from: 0, records: [] });
        return;
      }
      const { errorCode, records } = await fetchFrom(client, port, topic, partition, next);
      last = `error ${errorCode} at ${next} of ${end}`;
      if (records.length === 0) continue;
      history.note({ did: 'read', by: FINAL_READER, partition: nameOf(place), from: next, records });
      next = records.at(-1)![0] + 1;
    } catch (error) {
      last = String(error);
      await delay(BACKOFF_MS);
    }
  }
  throw new Error(`${nameOf(place)} could not be read to its end: ${last}`);
}
