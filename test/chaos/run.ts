// One run: a cluster, clients, faults from a seed, healing, and what is found afterwards.
import { setMaxListeners } from 'node:events';
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { BrokerKind } from '../../bench/peer/member.js';
import { ClusterClient } from '../support/cluster-client.js';
import { Chance } from '../twin/chance.js';
import { bytesOn, compareReplicas, untilWhole } from './aftermath.js';
import { check, summary, type Finding } from './checker.js';
import { auditCommits, consume } from './clients/member.js';
import { read, readAll, type Place } from './clients/reader.js';
import { Verifiable } from './clients/verifiable.js';
import { write } from './clients/writer.js';
import { Cluster, SESSION_TIMEOUT_MS } from './cluster/cluster.js';
import type { CoordinationKind } from './cluster/coordination.js';
import { planFaults, type Planned } from './faults.js';
import { Havoc } from './havoc.js';
import { History } from './history.js';

export interface RunOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly kinds: readonly BrokerKind[];
  readonly coordination: CoordinationKind;
  /** Whether brokers may come back as the other kind. */
  readonly swap: boolean;
  /** Where everything is kept: data, logs of the brokers, `history.jsonl`. */
  readonly dir: string;
  readonly log: (line: string) => void;
  readonly properties?: Readonly<Record<string, string>>;
  readonly command?: string;
  /** Instead of what the seed says. */
  readonly plan?: readonly Planned[];
  /** Done before the clients start, and when all has healed; what rejects fails the run. */
  readonly before?: (bootstrap: string) => Promise<void>;
  readonly after?: (bootstrap: string) => Promise<void>;
  /** Kafka's VerifiableProducer too. */
  readonly verifiable?: boolean;
}

export interface Report {
  readonly ok: boolean;
  readonly findings: readonly Finding[];
  readonly text: string;
}

/** Three replicas of which two must be there, and two replicas of which one is enough. */
const TOPICS = [
  { name: 'triples', partitions: 3, replicas: 3, configs: { 'min.insync.replicas': '2' } },
  { name: 'pairs', partitions: 3, replicas: 2, configs: { 'min.insync.replicas': '1' } },
] as const;
const PLACES: readonly Place[] = TOPICS.flatMap(({ name, partitions }) => Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition })));
/** What Kafka's VerifiableProducer writes to. */
const VERIFIED = { name: 'verified', partitions: 2, replicas: 3, configs: { 'min.insync.replicas': '2' } } as const;
const VERIFIED_PLACES: readonly Place[] = [0, 1].map(partition => ({ topic: VERIFIED.name, partition }));
const WRITERS_EACH = 2;
const MEMBERS = 3;
const GROUP = { group: 'followers', topic: 'triples', partitions: 3 } as const;
const HEALING_MS = 90_000;
/** How long everything runs on after it has healed. */
const CALM_MS = 4_000;

export async function runChaos(options: RunOptions): Promise<Report> {
  mkdirSync(options.dir, { recursive: true });
  const file = createWriteStream(join(options.dir, 'history.jsonl'));
  const started = performance.now();
  const history = new History(() => performance.now() - started, line => file.write(line));
  const cluster = await Cluster.start({ dir: options.dir, kinds: options.kinds, coordination: options.coordination, properties: options.properties ?? {}, ...(options.command === undefined ? {} : { command: options.command }) });
  const clients: ClusterClient[] = [];
  const newClient = (name: string): ClusterClient => {
    const client = new ClusterClient(cluster.ports, name);
    clients.push(client);
    return client;
  };
  const tell = (what: string): void => {
    history.note({ did: 'fault', what });
    options.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${what}`);
  };
  try {
    tell(`${options.kinds.join(', ')} on ${options.coordination} coordination`);
    return await suffer(options, cluster, history, newClient, tell);
  } finally {
    for (const client of clients) client.close();
    await cluster.destroy();
    await new Promise(resolve => file.end(resolve));
  }
}

async function suffer({ seed, minutes, kinds, swap, dir, verifiable = false, before, after, ...given }: RunOptions, cluster: Cluster, history: History, newClient: (name: string) => ClusterClient, tell: (what: string) => void): Promise<Report> {
  const chance = new Chance(seed);
  const admin = newClient('admin');
  await admin.createTopics([...TOPICS, ...(verifiable ? [VERIFIED] : [])].map(topic => ({ ...topic, replicas: Math.min(topic.replicas, kinds.length) })));
  const plan = given.plan ?? planFaults(chance, { durationMs: minutes * 60_000, brokers: kinds.length, sessionMs: SESSION_TIMEOUT_MS, topics: TOPICS, swap });
  const bootstrap = cluster.ports.map(port => `127.0.0.1:${port}`).join(',');
  await before?.(bootstrap);

  const noMore = new AbortController();
  const giveUp = new AbortController();
  // All writers look at the two of them.
  setMaxListeners(0, noMore.signal, giveUp.signal);
  const writers = PLACES.flatMap(place => Array.from({ length: WRITERS_EACH }, (_, index) => {
    const name = `w${index}-${place.topic}-${place.partition}`;
    return write({ name, ...place, client: newClient(name), history, chance: new Chance(chance.int(1 << 30)), stop: noMore.signal, giveUp: giveUp.signal });
  }));
  const followers = [
    ...(['leaders', 'replicas'] as const).map(asks => read({ name: `reader-of-${asks}`, places: PLACES, client: newClient(`reader-of-${asks}`), history, chance: new Chance(chance.int(1 << 30)), asks, stop: noMore.signal })),
    ...Array.from({ length: MEMBERS }, (_, index) => consume({ name: `member-${index}`, ...GROUP, client: newClient(`member-${index}`), history, stop: noMore.signal })),
  ];

  const verifying = verifiable ? await Verifiable.start(join(dir, 'verifiable'), bootstrap, VERIFIED.name) : undefined;

  await new Havoc(cluster, admin, tell).wreak(plan);
  const findings: Finding[] = cluster.obituaries().map(text => ({ kind: 'ended by itself', partition: '-', text }));
  tell('healing');
  await cluster.heal();
  findings.push(...await untilWhole(cluster, admin, HEALING_MS));
  tell(findings.length === 0 ? 'healed' : `not healed:\n${summary(findings)}`);
  const healed = history.entries.length;
  await delay(CALM_MS);

  noMore.abort();
  const patience = setTimeout(() => giveUp.abort(), HEALING_MS / 3);
  await Promise.all([...writers, ...followers]);
  clearTimeout(patience);
  await verifying?.finish(history);
  findings.push(...stuck(history, healed));
  await readAll(admin, history, verifiable ? [...PLACES, ...VERIFIED_PLACES] : PLACES, AbortSignal.timeout(HEALING_MS))
    .catch((error: unknown) => findings.push({ kind: 'not read in the end', partition: '-', text: String(error) }));
  await auditCommits({ name: 'auditor', ...GROUP, client: admin, history })
    .catch((error: unknown) => findings.push({ kind: 'not read in the end', partition: '-', text: String(error) }));
  await after?.(bootstrap);
  findings.push(...await compareReplicas(cluster, admin, HEALING_MS / 3));
  findings.push(...check(history.entries));
  tell('checked');
  return { ok: findings.length === 0, findings, text: report(cluster, history, findings) };
}

/** Partitions that took nothing after all had healed. */
function stuck(history: History, from: number): Finding[] {
  const partitionOf = new Map(history.entries.flatMap(entry => (entry.did === 'send' ? [[entry.op, entry.partition] as const] : [])));
  const took = new Set(history.entries.slice(from).flatMap(entry => (entry.did === 'sent' ? [partitionOf.get(entry.op)] : [])));
  return PLACES.map(({ topic, partition }) => `${topic}-${partition}`).filter(name => !took.has(name))
    .map(partition => ({ kind: 'stuck', partition, text: 'took no record after all had healed' }));
}

function report(cluster: Cluster, { entries }: History, findings: readonly Finding[]): string {
  const count = (did: string): number => entries.filter(entry => entry.did === did).length;
  const records = entries.reduce((sum, entry) => sum + (entry.did === 'send' ? entry.values.length : 0), 0);
  return [
    `${records} records in ${count('send')} batches: ${count('sent')} acknowledged, ${count('lost-sight')} of unknown fate, ${count('refused')} refused`,
    `${count('read')} fetches brought something, ${count('committed')} commits, ${count('told-committed')} times asked for what was committed`,
    cluster.members.map(member => `broker ${member.id} (${member.kind}) keeps ${(bytesOn(member.dataDirectory) / 1e6).toFixed(1)} MB`).join(', '),
    findings.length === 0 ? 'nothing was found' : summary(findings),
  ].join('\n');
}
