// The loads, one per row of the table. A case states its question and what bounds the answer, and turns one run of the
// load client into named numbers. Parameters come in three sizes: for real, quick, and smoke (every test run, so that
// nothing rots; its numbers mean nothing).
import { execFileSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { runLoad, type LoadOptions, type LoadResult } from './load-client.js';
import { ownMemoryMB } from './proc.js';
import type { Subject } from './subject.js';

export type Size = 'real' | 'quick' | 'smoke';
export type Sample = Readonly<Record<string, number>>;

export interface LoadCase {
  readonly name: string;
  readonly question: string;
  readonly bound: string;
  /** Rounds are cut to this many where one says enough and takes minutes. */
  readonly mostRounds?: number;
  setup?(subject: Subject, size: Size): Promise<void>;
  run(subject: Subject, size: Size): Promise<Sample>;
  /** The same load on the least that could serve it, see bench/load/native/floor_server.h. */
  floor?(dir: string, size: Size): Promise<Sample>;
}

// A deleted topic's files go at once, not in the middle of the next measurement.
const TOPIC = { 'topic-config': 'file.delete.delay.ms=0', cleanup: 1 };
const SETTLE_MS = 1_500;

let topics = 0;
function newTopic(label: string): LoadOptions {
  topics += 1;
  return { topic: `bench-${label}-${topics}`, ...TOPIC };
}

const seconds = (size: Size, real: number): number => ({ real, quick: real / 2, smoke: 0.2 })[size];
const warmup = (size: Size): number => ({ real: 1, quick: 1, smoke: 0.05 })[size];

function numbers(result: LoadResult): Sample {
  const sample: Record<string, number> = {};
  const put = (name: string, value: number | undefined): void => {
    if (value !== undefined) sample[name] = value;
  };
  put('requestsPerSecond', result.requestsPerSecond);
  put('megabytesPerSecond', result.megabytesPerSecond);
  put('p50', result.latencyMicros?.p50);
  put('p99', result.latencyMicros?.p99);
  put('cpuPerGB', result.broker?.cpuSecondsPerGB);
  put('cpuPerRequest', result.broker?.cpuMicrosPerRequest);
  put('othersCpuShare', result.othersCpuShare);
  put('peakMB', result.broker === undefined ? undefined : result.broker.peakOwnKb * 1024 / 1e6);
  return sample;
}

function on(subject: Subject): LoadOptions {
  return { broker: subject.address, pid: subject.pid };
}

interface ProduceCase {
  readonly name: string;
  readonly question: string;
  readonly bound: string;
  readonly partitions: number;
  readonly load: (size: Size) => LoadOptions;
}

function produceCase(spec: ProduceCase): LoadCase {
  return {
    name: spec.name,
    question: spec.question,
    bound: spec.bound,
    async run(subject, size) {
      const result = await runLoad('produce', { ...on(subject), ...newTopic(spec.name), partitions: spec.partitions, ...spec.load(size) });
      await delay(size === 'smoke' ? 0 : SETTLE_MS);
      return numbers(result);
    },
    floor: async (dir, size) => numbers(await runLoad('floor', { kind: 'produce', dir, ...spec.load(size) })),
  };
}

const LARGE_BATCH = { records: 900, 'value-bytes': 1024 };
const SMALL = { records: 1, 'value-bytes': 100 };
const FETCHED_BYTES = { real: 1e9, quick: 5e8, smoke: 8e6 };

/** Values that each codec shrinks to about a quarter, and one that none does. */
const QUARTER = { gzip: 'words', snappy: 'lines', lz4: 'lines', zstd: 'words' } as const;
export const CODECS = ['lz4', 'snappy', 'zstd', 'gzip'] as const;
type CodecName = (typeof CODECS)[number];

const filled = new WeakSet<Subject>();
const fetched = (subject: Subject): string => `bench-fetched-${subject.name}`;

export const produce = produceCase({
  name: 'produce',
  question: 'what does a gigabyte of 1 KiB records in batches of 930 KB, acks=all, cost the broker?',
  bound: 'one copy out of the socket, one into the page cache',
  partitions: 1,
  load: size => ({ ...LARGE_BATCH, 'in-flight': 5, bytes: { real: 1.5e9, quick: 1e9, smoke: 8e6 }[size] }),
});

/** Figures are per nominal gigabyte: of records as they were before they were compressed. The floor is the decoder alone. */
function compressedCase(codec: CodecName, payload: 'quarter' | 'noise'): LoadCase {
  const shape = { ...LARGE_BATCH, codec, payload: payload === 'noise' ? payload : QUARTER[codec] };
  const bytes = (size: Size): number => ({ real: 3e9, quick: 1.5e9, smoke: 8e6 })[size];
  return {
    ...produceCase({
      name: `${codec}-${payload}`,
      question: `what does a nominal gigabyte in ${codec} batches cost the broker, ${payload === 'noise' ? 'of what does not compress' : 'compressed to a quarter'}?`,
      bound: 'inflating all of it once, and a copy in and out of what it is packed to',
      partitions: 6,
      load: size => ({ ...shape, connections: 6, 'in-flight': 2, bytes: bytes(size) }),
    }),
    floor: async (_dir, size) => numbers(await runLoad('inflate', { ...shape, bytes: bytes(size) / 3 })),
  };
}

export const compressedCases: readonly LoadCase[] = CODECS.flatMap(codec => [compressedCase(codec, 'quarter'), compressedCase(codec, 'noise')]);

export const smallLz4 = produceCase({
  name: 'small-lz4',
  question: 'the same as connections, each record in an lz4 batch of its own',
  bound: 'a receive and a send per request, and a frame of a hundred bytes inflated',
  partitions: 8,
  load: size => ({ ...SMALL, codec: 'lz4', connections: 32, seconds: seconds(size, 5), 'warmup-seconds': warmup(size) }),
});

/** Zstd batches of a megabyte that become a hundred. */
export const bombs: LoadCase = {
  name: 'bombs',
  question: 'how much memory do 32 producers cost that send zstd batches of 1 MB, which inflate to 100 MB each?',
  bound: 'the frames that were received, and a window for each batch that is looked into',
  mostRounds: 1,
  async run(subject, size) {
    const records = size === 'smoke' ? 4 : 100;
    const rest = ownMemoryMB(subject.pid);
    const result = await runLoad('produce', { ...on(subject), ...newTopic('bombs'), partitions: 32, connections: 32, records, 'value-bytes': 1e6, codec: 'zstd', payload: 'sparse', 'in-flight': 1, requests: size === 'smoke' ? 32 : 320 });
    return { ...numbers(result), grownMB: (numbers(result)['peakMB'] ?? NaN) - rest };
  },
};

export const fetch: LoadCase = {
  name: 'fetch',
  question: 'what does a gigabyte fetched from the page cache, 1 MiB at a time, cost the broker?',
  bound: 'sendfile: no copy, the pages are handed to the socket',
  async setup(subject, size) {
    if (filled.has(subject)) return;
    filled.add(subject);
    await runLoad('produce', { broker: subject.address, topic: fetched(subject), partitions: 1, ...LARGE_BATCH, 'in-flight': 5, bytes: FETCHED_BYTES[size] });
  },
  run: async (subject, size) => numbers(await runLoad('fetch', { ...on(subject), topic: fetched(subject), seconds: seconds(size, 4), 'warmup-seconds': warmup(size) })),
  floor: async (dir, size) => numbers(await runLoad('floor', { kind: 'fetch', dir, ...LARGE_BATCH, seconds: seconds(size, 4), 'warmup-seconds': warmup(size) })),
};

export const pipelined = produceCase({
  name: 'pipelined',
  question: 'one-record produce requests, 100 in flight on one connection, each in a system call of its own (librdkafka, linger 0)',
  bound: 'a receive, an append and a send, shared by all requests that have arrived',
  partitions: 1,
  load: size => ({ ...SMALL, 'in-flight': 100, 'send-each': 1, seconds: seconds(size, 5), 'warmup-seconds': warmup(size) }),
});

export const connections = produceCase({
  name: 'connections',
  question: 'one-record produce requests over 32 connections, one in flight on each, 8 partitions',
  bound: 'a receive and a send per request',
  partitions: 8,
  load: size => ({ ...SMALL, connections: 32, seconds: seconds(size, 5), 'warmup-seconds': warmup(size) }),
});

export const single = produceCase({
  name: 'single',
  question: 'how long does a one-record produce take when nothing else happens?',
  bound: 'two wake-ups, a receive, an append and a send',
  partitions: 1,
  load: size => ({ ...SMALL, seconds: seconds(size, 5), 'warmup-seconds': warmup(size) }),
});

const openLoad = (size: Size): LoadOptions => ({ ...SMALL, rate: 1000, seconds: seconds(size, 10), 'warmup-seconds': warmup(size) });

export const openLoop: LoadCase = {
  name: 'open-loop',
  question: 'at 1,000 one-record requests per second: how long after it was due is each answered?',
  bound: 'as above, with every thread asleep when the request comes',
  async run(subject, size) {
    const result = await runLoad('open-loop', { ...on(subject), ...newTopic('open-loop'), partitions: 1, ...openLoad(size) });
    await delay(size === 'smoke' ? 0 : SETTLE_MS);
    return numbers(result);
  },
  floor: async (dir, size) => numbers(await runLoad('floor', { kind: 'open-loop', dir, ...openLoad(size) })),
};

export const idle: LoadCase = {
  name: 'idle',
  question: '5,000 connections opened at once: when do all stand, when has each had an answer, what do they cost then?',
  bound: 'the accept backlog: a connection refused a place there comes back after 1, 3, 7... seconds',
  mostRounds: 1,
  async run(subject, size) {
    const count = { real: 5000, quick: 5000, smoke: 200 }[size];
    const result = await runLoad('idle', { ...on(subject), topic: newTopic('idle')['topic'] ?? '', cleanup: 1, partitions: 1, connections: count, 'hold-seconds': seconds(size, 5) });
    const held = result.holding?.broker;
    return {
      allConnected: result.allConnectedSeconds ?? NaN,
      allServed: result.allServedSeconds ?? NaN,
      ...(held === undefined ? {} : { heldMB: held.ownKb * 1024 / 1e6, heldCpuShare: held.cpuSeconds / (result.holding?.seconds ?? 1) }),
    };
  },
};

export const loadCases: readonly LoadCase[] = [produce, fetch, pipelined, connections, single, openLoop, ...compressedCases, smallLz4, bombs, idle];

/** What a broker looks like once it has settled after its start, before any load. */
export async function atRest(subject: Subject, size: Size): Promise<Sample> {
  await delay(size === 'smoke' ? 0 : 2 * SETTLE_MS);
  return {
    readyMs: subject.readyMs,
    restMB: ownMemoryMB(subject.pid),
    ...(subject.zookeeperPid === undefined ? {} : { zookeeperMB: ownMemoryMB(subject.zookeeperPid) }),
  };
}

/** The least a program of ours can take: node, started and ended. */
export function nodeAlone(): Sample {
  const started = performance.now();
  execFileSync(process.execPath, ['-e', '0']);
  return { readyMs: performance.now() - started };
}

/** Kafka's JIT needs one to two minutes of everything before its figures are steady; V8 needs seconds. */
export async function warmUp(subject: Subject, forSeconds: number, size: Size): Promise<void> {
  const until = performance.now() + forSeconds * 1000;
  const step = { broker: subject.address, seconds: 4 };
  await fetch.setup?.(subject, size);
  while (performance.now() < until) {
    await runLoad('produce', { ...step, ...newTopic('warm'), partitions: 1, ...SMALL, 'in-flight': 100, 'send-each': 1 });
    await runLoad('produce', { ...step, ...newTopic('warm'), partitions: 8, ...SMALL, connections: 32 });
    await runLoad('produce', { ...step, ...newTopic('warm'), partitions: 1, ...SMALL });
    await runLoad('produce', { ...step, ...newTopic('warm'), partitions: 1, ...LARGE_BATCH, 'in-flight': 5, bytes: 1e9 });
    await runLoad('fetch', { ...step, topic: fetched(subject) });
  }
}
