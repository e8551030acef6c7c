// The loads of a cluster, one per row of its table.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { NewTopic } from '../../test/support/cluster-client.js';
import type { Sample, Size } from '../suite/cases.js';
import { runLoad, type LoadOptions, type LoadResult } from '../suite/load-client.js';
import { ownMemoryMB } from '../suite/proc.js';
import { spending, until, untilInSync, untilUnregistered } from './measure.js';
import { Prober } from './prober.js';
import { BROKERS, type ClusterSubject } from './subject.js';

export interface ClusterCase {
  readonly name: string;
  readonly question: string;
  readonly bound: string;
  readonly mostRounds?: number;
  run(subject: ClusterSubject, size: Size): Promise<Sample>;
}

const IDS = [1, 2, 3] as const;
const seconds = (size: Size, real: number): number => ({ real, quick: real / 2, smoke: 0.3 })[size];
const pick = <T>(size: Size, real: T, smoke: T): T => (size === 'smoke' ? smoke : real);

/** All on every broker, led by the first. */
const ledBy = (first: number, partitions: number): (readonly number[])[] => Array.from({ length: partitions }, () => [first, ...IDS.filter(id => id !== first)]);
/** Led by all in turn. */
const spread = (partitions: number): (readonly number[])[] => Array.from({ length: partitions }, (_, index) => IDS.map((_id, place) => ((index + place) % BROKERS) + 1));

let topics = 0;

/** A topic of three replicas for the time of `work`. */
async function withTopic<T>(subject: ClusterSubject, assignment: readonly (readonly number[])[], work: (topic: string) => Promise<T>, configs: NewTopic['configs'] = {}): Promise<T> {
  topics += 1;
  const name = `bench-${topics}`;
  await subject.client.createTopics([{ name, assignment, configs: { 'file.delete.delay.ms': '0', ...configs } }]);
  try {
    return await work(name);
  } finally {
    await subject.client.deleteTopics([name]);
    await until(`${name} to be gone`, async () => (await subject.client.metadata([name])).topics[0]?.errorCode === 3);
  }
}

function load(command: 'produce' | 'open-loop', subject: ClusterSubject, topic: string, options: LoadOptions): Promise<LoadResult> {
  return runLoad(command, { broker: subject.address, pid: subject.pids.join(','), topic, ...options });
}

function numbers({ requestsPerSecond, megabytesPerSecond, latencyMicros, broker, othersCpuShare }: LoadResult): Sample {
  const all = {
    requestsPerSecond, megabytesPerSecond, othersCpuShare, p50: latencyMicros?.p50, p99: latencyMicros?.p99, cpuPerGB: broker?.cpuSecondsPerGB,
    cpuPerRequest: broker?.cpuMicrosPerRequest, peakMB: broker === undefined ? undefined : broker.peakOwnKb * 1024 / 1e6,
  };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, number] => entry[1] !== undefined));
}

const SMALL = { records: 1, 'value-bytes': 100 };
const LARGE_BATCH = { records: 900, 'value-bytes': 1024 };
const timed = (size: Size, real: number): LoadOptions => ({ seconds: seconds(size, real), 'warmup-seconds': seconds(size, 1) });

interface LoadSpec {
  readonly name: string;
  readonly question: string;
  readonly bound: string;
  readonly assignment: readonly (readonly number[])[];
  readonly command?: 'produce' | 'open-loop';
  readonly options: (size: Size) => LoadOptions;
}

function loadCase({ name, question, bound, assignment, command = 'produce', options }: LoadSpec): ClusterCase {
  return { name, question, bound, run: (subject, size) => withTopic(subject, assignment, async topic => numbers(await load(command, subject, topic, options(size)))) };
}

const batches = loadCase({
  name: 'replicated-batches', question: 'what does a gigabyte in batches of 930 KB cost all brokers, three replicas, acks=all?',
  bound: 'three receives, three appends, and two sends from the page cache', assignment: spread(6),
  options: size => ({ ...LARGE_BATCH, connections: 6, 'in-flight': 2, bytes: pick(size, 1.5e9, 8e6) }),
});

const connections = loadCase({
  name: 'replicated-connections', question: '32 connections, one small acks=all request in flight on each, 8 partitions led by one broker',
  bound: 'a receive and a send per request, and what the followers\' fetches share among them', assignment: ledBy(1, 8),
  options: size => ({ ...SMALL, connections: 32, ...timed(size, 5) }),
});

const single = loadCase({
  name: 'replicated-single', question: 'how long does one acks=all record take when nothing else happens?',
  bound: 'wakings: the leader\'s, each follower\'s, and the leader\'s again', assignment: ledBy(1, 1), options: size => ({ ...SMALL, ...timed(size, 5) }),
});

const openLoop = loadCase({
  name: 'replicated-open-loop', question: 'at 1,000 acks=all records per second over three leaders: how long after it was due is each answered?',
  bound: 'the same, with every thread asleep', assignment: spread(3), command: 'open-loop', options: size => ({ ...SMALL, connections: 3, rate: 1000, ...timed(size, 10) }),
});

/** librdkafka's own batching, by kcat, which reads lines of a kibibyte. */
const librdkafka: ClusterCase = {
  name: 'librdkafka', question: 'what does a gigabyte of 1 KiB records from librdkafka (linger 5 ms, acks=all) cost all brokers?', bound: 'as in batches, and that many more of them',
  run: (subject, size) => withTopic(subject, spread(6), async topic => {
    const records = pick(size, 1_000_000, 5_000);
    const { seconds: took, cpu } = await spending(subject.pids, async () => {
      const line = 'x'.repeat(1023);
      const kcat = spawn('sh', ['-c', `yes ${line} | head -n ${records} | kcat -P -b ${subject.address} -t ${topic} -X acks=all -X linger.ms=5 -X queue.buffering.max.kbytes=131072`], { stdio: ['ignore', 'ignore', 'inherit'] });
      const [code] = await once(kcat, 'exit') as [number | null];
      if (code !== 0) throw new Error(`kcat ended with ${code}`);
    });
    const gigabytes = records * 1024 / 1e9;
    return { cpuPerGB: cpu / gigabytes, megabytesPerSecond: gigabytes * 1e3 / took };
  }),
};

const catchUp: ClusterCase = {
  name: 'catch-up', question: 'an empty follower catches up on 5 GB: how quickly, and what does that cost both?', bound: 'sendfile, a receive and an append', mostRounds: 2,
  run: (subject, size) => withTopic(subject, Array.from({ length: 5 }, () => [1]), async topic => {
    const bytes = pick(size, 5e9, 20e6);
    await runLoad('produce', { broker: subject.address, topic, ...LARGE_BATCH, connections: 5, 'in-flight': 2, bytes });
    const both = [1, 2].map(id => subject.member(id).pid!);
    const { seconds: took, cpu } = await spending(both, async () => {
      for (let partition = 0; partition < 5; partition += 1) {
        const refused = await subject.client.reassign(topic, partition, [1, 2]);
        if (refused !== 0) throw new Error(`the reassignment was refused: error ${refused}`);
      }
      await until('the follower to be in sync', async () => (await subject.client.metadata([topic])).topics[0]!.partitions.every(({ isrNodes }) => isrNodes.length === 2));
    });
    return { megabytesPerSecond: bytes / 1e6 / took, cpuPerGB: cpu / (bytes / 1e9) };
  }, { 'min.insync.replicas': '1' }),
};

const leaderKilled: ClusterCase = {
  name: 'leader-killed', question: 'the leader of 100 partitions is killed: from the end of its session, how long until the last of them takes a record?', bound: 'one event of the controller and its requests',
  run: (subject, size) => withTopic(subject, ledBy(victim(subject), pick(size, 100, 5)), async topic => {
    const id = victim(subject);
    const prober = new Prober(subject.client, topic, pick(size, 100, 5));
    await prober.untilAllTook();
    await subject.member(id).kill();
    await untilUnregistered(subject, id);
    const ended = performance.now();
    await prober.untilAllTook();
    const tookMs = performance.now() - ended;
    await comeBack(subject, id, [topic]);
    return { tookMs };
  }),
};

function controlledShutdown(partitions: number): ClusterCase {
  return {
    name: `shutdown-${partitions}`, question: `a broker that leads ${partitions} partitions is stopped in order: how long does any of them take no record, at most?`,
    bound: 'elections written in batches, and a request to each broker', ...(partitions > 100 ? { mostRounds: 1 } : {}),
    run: (subject, size) => withTopic(subject, ledBy(victim(subject), pick(size, partitions, 5)), async topic => {
      const id = victim(subject);
      const prober = new Prober(subject.client, topic, pick(size, partitions, 5));
      await prober.untilAllTook();
      const done = new AbortController();
      prober.lastMs.fill(performance.now());
      const asking = prober.keepAsking(done.signal);
      await subject.member(id).stop();
      await until('every partition to be led by others', async () => (await subject.client.metadata([topic])).topics[0]!.partitions.every(({ leaderId }) => leaderId !== id && leaderId >= 0));
      await delay(pick(size, 1_000, 200));
      done.abort();
      await asking;
      await comeBack(subject, id, [topic]);
      return { longestMs: Math.max(...prober.longestMs) };
    }),
  };
}

const controllerKilled: ClusterCase = {
  name: 'controller-killed', question: 'the controller of 6,000 replicas is killed: from the end of its session, how long until the new one has told everybody?',
  bound: 'reading and writing 2,000 states in batches, and telling them', mostRounds: 2,
  run: (subject, size) => withTopic(subject, spread(pick(size, 2_000, 6)), async topic => {
    await untilInSync(subject, [topic]);
    const id = await subject.client.controllerId();
    await subject.member(id).kill();
    await untilUnregistered(subject, id);
    const ended = performance.now();
    const living = IDS.filter(other => other !== id).map(other => subject.ports[other - 1]!);
    await until('everybody to know', async () => {
      const said = await Promise.all(living.map(port => subject.client.metadata([topic], port)));
      return said.every(answer => answer.controllerId !== id && answer.controllerId >= 0 && answer.topics[0]!.partitions.every(({ leaderId }) => leaderId !== id && leaderId >= 0));
    });
    const toldMs = performance.now() - ended;
    await comeBack(subject, id, [topic]);
    return { toldMs };
  }),
};

const creation: ClusterCase = {
  name: 'topic-300', question: 'how long does it take to make a topic of 300 partitions with three replicas?', bound: '900 directories, and 300 states written in batches',
  run: async (subject, size) => {
    topics += 1;
    const name = `bench-${topics}`;
    const started = performance.now();
    await subject.client.createTopics([{ name, partitions: pick(size, 300, 6), replicas: 3 }]);
    const madeMs = performance.now() - started;
    await untilInSync(subject, [name]);
    await subject.client.deleteTopics([name]);
    await until(`${name} to be gone`, async () => (await subject.client.metadata([name])).topics[0]?.errorCode === 3);
    return { madeMs };
  },
};

function idle(partitions: number): ClusterCase {
  return {
    name: `idle-${partitions}`, question: `what do three idle brokers with ${partitions} partitions of three replicas use?`, bound: 'fetches that wait, and heartbeats', mostRounds: 2,
    run: (subject, size) => withTopic(subject, spread(pick(size, partitions, 6)), async topic => {
      await untilInSync(subject, [topic]);
      await delay(pick(size, 5_000, 0));
      const { cpu, seconds: took } = await spending(subject.pids, () => delay(pick(size, 20_000, 500)));
      return { percentOfACore: 100 * cpu / took, memoryMB: Math.max(...subject.pids.map(ownMemoryMB)) };
    }),
  };
}

/** Who is ended in a case about leaders: not the controller, which has a case of its own. */
const victims = new WeakMap<ClusterSubject, number>();
const victim = (subject: ClusterSubject): number => victims.get(subject) ?? 3;

/** Told before each case, when nothing is measured. */
export async function choose(subject: ClusterSubject): Promise<void> {
  const controller = await subject.client.controllerId();
  victims.set(subject, IDS.findLast(id => id !== controller)!);
}

async function comeBack(subject: ClusterSubject, id: number, names: readonly string[]): Promise<void> {
  await subject.member(id).start();
  await untilInSync(subject, names);
  await subject.client.electPreferred(null);
}

export const clusterCases: readonly ClusterCase[] = [
  librdkafka, batches, connections, single, openLoop, catchUp, leaderKilled, controlledShutdown(100), creation, idle(300), controlledShutdown(1_000), controllerKilled, idle(2_000),
];

/** Kafka's JIT wants to have seen it all before. */
export async function warmUp(subject: ClusterSubject, forSeconds: number, size: Size): Promise<void> {
  const end = performance.now() + forSeconds * 1e3;
  while (performance.now() < end) for (const each of [connections, batches, openLoop]) await each.run(subject, size === 'real' ? 'quick' : size);
}
