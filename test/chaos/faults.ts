// Which faults, when, and for how long: all from a seed, decided before anything runs.
import type { Chance } from '../twin/chance.js';
import type { Cut } from './cluster/mesh.js';

export type Fault =
  /** kill -9, and started again after a while. */
  | { readonly kind: 'kill'; readonly broker: number; readonly holdMs: number }
  /** Stopped in order (controlled shutdown), and started again; `swap`: as the other kind of broker, on the same directory. */
  | { readonly kind: 'stop'; readonly broker: number; readonly holdMs: number; readonly swap: boolean }
  /** SIGSTOP, which its session may outlive or not. */
  | { readonly kind: 'pause'; readonly broker: number; readonly holdMs: number }
  /** What `from` sends does not reach `to`; with `both`, nor the other way round. */
  | { readonly kind: 'cut'; readonly from: number; readonly to: number; readonly how: Cut; readonly both: boolean; readonly holdMs: number }
  /** A broker that does not reach ZooKeeper, and is reached by everybody else. */
  | { readonly kind: 'exile'; readonly broker: number; readonly how: Cut; readonly holdMs: number }
  | { readonly kind: 'coordination'; readonly holdMs: number }
  /** All brokers, one after the other, so many times; `patient`: the next one only when all replicas are in sync again, as an operator does it. */
  | { readonly kind: 'roll'; readonly swap: boolean; readonly patient: boolean; readonly times: number }
  /** Null replicas: what is under way is cancelled. */
  | { readonly kind: 'reassign'; readonly topic: string; readonly partition: number; readonly replicas: readonly number[] | null }
  | { readonly kind: 'elect' };

export interface Planned {
  readonly atMs: number;
  readonly fault: Fault;
}

export interface PlanOptions {
  readonly durationMs: number;
  readonly brokers: number;
  readonly sessionMs: number;
  readonly topics: readonly { readonly name: string; readonly partitions: number; readonly replicas: number }[];
  /** Whether brokers may change their kind. */
  readonly swap: boolean;
}

const WEIGHTS = [
  ['kill', 5], ['stop', 3], ['pause', 4], ['cut', 5], ['exile', 3], ['coordination', 1], ['roll', 1], ['reassign', 4], ['elect', 2],
] as const satisfies readonly (readonly [Fault['kind'], number])[];

const FIRST_MS = 2_000;
const SHORTEST_GAP_MS = 300;
const LONGEST_GAP_MS = 7_000;

export function planFaults(chance: Chance, options: PlanOptions): Planned[] {
  const plan: Planned[] = [];
  for (let atMs = FIRST_MS; atMs < options.durationMs; atMs += chance.between(SHORTEST_GAP_MS, LONGEST_GAP_MS)) {
    plan.push({ atMs, fault: draw(chance, options) });
  }
  return plan;
}

function draw(chance: Chance, { brokers, sessionMs, topics, swap }: PlanOptions): Fault {
  const ids = Array.from({ length: brokers }, (_, index) => index + 1);
  const broker = chance.pick(ids);
  // Sometimes shorter than the session, sometimes longer, rarely so long that a follower has much to catch up on.
  const holdMs = chance.weighted([[chance.between(200, sessionMs), 4], [chance.between(sessionMs, 2 * sessionMs), 4], [chance.between(2 * sessionMs, 3 * sessionMs), 1]]);
  const how = chance.pick(['reset', 'stall'] as const);
  const kind = chance.weighted(WEIGHTS);
  switch (kind) {
    case 'kill':
    case 'pause': return { kind, broker, holdMs };
    case 'stop': return { kind, broker, holdMs: Math.min(holdMs, sessionMs), swap: swap && chance.percent(60) };
    case 'cut': return { kind, from: broker, to: chance.pick(ids.filter(id => id !== broker)), how, both: chance.percent(60), holdMs };
    case 'exile': return { kind, broker, how, holdMs };
    case 'coordination': return { kind, holdMs };
    case 'roll': return { kind, swap: swap && chance.percent(60), patient: chance.percent(30), times: 1 };
    case 'elect': return { kind };
    case 'reassign': {
      const topic = chance.pick(topics);
      const replicas = chance.percent(15) ? null : shuffled(chance, ids).slice(0, topic.replicas);
      return { kind, topic: topic.name, partition: chance.int(topic.partitions), replicas };
    }
  }
}

function shuffled<T>(chance: Chance, from: readonly T[]): T[] {
  const left = [...from];
  return from.map(() => left.splice(chance.int(left.length), 1)[0]!);
}

/** One line, for the log and the history. */
export function describeFault(fault: Fault): string {
  const held = 'holdMs' in fault ? ` for ${fault.holdMs} ms` : '';
  switch (fault.kind) {
    case 'kill':
    case 'pause': return `${fault.kind} ${fault.broker}${held}`;
    case 'stop': return `stop ${fault.broker}${held}${fault.swap ? ', comes back as the other kind' : ''}`;
    case 'cut': return `cut ${fault.from} ${fault.both ? 'and' : 'to'} ${fault.to} (${fault.how})${held}`;
    case 'exile': return `cut ${fault.broker} and ZooKeeper (${fault.how})${held}`;
    case 'coordination': return `ZooKeeper stopped${held}`;
    case 'roll': return `roll all${fault.times > 1 ? ` ${fault.times} times` : ''}${fault.patient ? ' patiently' : ''}${fault.swap ? ', each to the other kind' : ''}`;
    case 'elect': return 'elect preferred leaders';
    case 'reassign': return `reassign ${fault.topic}-${fault.partition} ${fault.replicas === null ? 'cancelled' : `to ${fault.replicas.join(',')}`}`;
  }
}
