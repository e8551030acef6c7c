// The small world of one conversation: a few topics, groups, members, producers and sessions, as they should be by now if
// everything went as it was meant. Grammars pick from it, mostly what is there, sometimes what is not.

import type { BatchSpec, RecordSpec } from './batches.js';
import type { Chance } from './chance.js';
import { ref } from './symbols.js';

export const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';
/** Of nobody. */
export const STRANGE_ID = 'c3RyYW5nZS1pZC0tLS0tLQ';

/** Nobody may be called so. */
export const ILLEGAL_NAMES = ['', '.', '..', 'a/b', 'a b', 'é', 'a\0b', 'x'.repeat(250), ' x', 'a\n', '/', '../x'];

export interface TopicInWorld {
  readonly n: number;
  partitions: number;
  exists: boolean;
  /** cleanup.policy=compact */
  compacted: boolean;
  /** Records by partition, roughly. */
  readonly ends: number[];
}

export interface MemberInWorld {
  readonly n: number;
  readonly group: number;
  readonly instance: string | null;
  generation: number;
}

export interface ProducerInWorld {
  readonly n: number;
  /** A number that the client chose, or null: one that the broker gave. */
  readonly chosen: number | null;
  epoch: number;
  /** The next sequence by topic and partition. */
  readonly next: Map<string, number>;
}

export interface SessionInWorld {
  readonly n: number;
  readonly ids: boolean;
  epoch: number;
}

/** A time that everybody agrees on: answers carry it, so that they can be compared. */
export const EPOCH_TIME = 1_700_000_000_000;

export class World {
  readonly chance: Chance;
  readonly topics: TopicInWorld[] = [];
  readonly members: MemberInWorld[] = [];
  readonly producers: ProducerInWorld[] = [];
  readonly sessions: SessionInWorld[] = [];
  readonly groups = 3;
  #time = EPOCH_TIME;
  #connections = 100;

  constructor(chance: Chance) {
    this.chance = chance;
  }

  addTopic(partitions: number, compacted = false): TopicInWorld {
    const topic: TopicInWorld = { n: this.topics.length, partitions, exists: true, compacted, ends: [] };
    this.topics.push(topic);
    return topic;
  }

  /** One that is there; undefined if none is. */
  liveTopic(): TopicInWorld | undefined {
    const live = this.topics.filter(({ exists }) => exists);
    return live.length === 0 ? undefined : this.chance.pick(live);
  }

  anyTopic(): TopicInWorld {
    return this.chance.pick(this.topics);
  }

  /** Mostly a live topic's. */
  topicName(): string {
    const { chance } = this;
    if (chance.percent(90)) return nameOf(this.liveTopic() ?? this.anyTopic());
    return chance.weighted<string>([
      [nameOf(this.anyTopic()), 3],
      [ref(`topic:${chance.between(7, 9)}`, ''), 3],
      [chance.pick(ILLEGAL_NAMES), 2],
      [ref(`topic:0/partitions/${chance.pick(['', '0', '0/state'])}`, ''), 1],
    ]);
  }

  topicId(): string {
    const { chance } = this;
    if (chance.percent(92)) return idOf(this.liveTopic() ?? this.anyTopic());
    return chance.pick([idOf(this.anyTopic()), ZERO_ID, STRANGE_ID]);
  }

  partition(topic: TopicInWorld | undefined = this.liveTopic()): number {
    const { chance } = this;
    if (topic === undefined || chance.percent(6)) return chance.pick([-1, 7, 2147483647, -2147483648]);
    return chance.int(topic.partitions);
  }

  offset(topic: TopicInWorld | undefined, partition: number): number {
    const end = topic?.ends[partition] ?? 0;
    return this.chance.weighted([[0, 4], [this.chance.int(end + 1), 6], [end, 3], [end + 1, 1], [-1, 1], [9_000_000_000, 1]]);
  }

  leaderEpoch(): number {
    return this.chance.weighted([[-1, 12], [0, 6], [1, 2], [2, 1], [-2, 1], [2147483647, 1]]);
  }

  /** Mostly the first, or hardly two would meet. */
  group(): number {
    return this.chance.weighted([[0, 4], [1, 1], [2, 1]]);
  }

  groupName(): string {
    const { chance } = this;
    if (chance.percent(94)) return ref(`group:${this.group()}`, '');
    return chance.pick([ref('group:8', ''), '', 'a/b', 'x'.repeat(300)]);
  }

  /** Somebody who joined, or undefined; often who came last, whose next step is due. */
  member(group?: number): MemberInWorld | undefined {
    const some = group === undefined ? this.members : this.members.filter(each => each.group === group);
    if (some.length === 0) return undefined;
    return this.chance.percent(35) ? some.at(-1) : this.chance.pick(some);
  }

  /** A connection nobody used: whoever has one of his own may wait for others. */
  newConnection(): number {
    return this.#connections++;
  }

  nextTime(): number {
    this.#time += this.chance.weighted([[1, 6], [0, 2], [1000, 1], [-5, 1]]);
    return this.#time;
  }

  record(): RecordSpec {
    const { chance } = this;
    return {
      key: chance.percent(85) ? `k${chance.int(5)}` : chance.pick([null, '']),
      value: chance.percent(90) ? 'v'.repeat(chance.weighted([[chance.int(20), 8], [300, 1], [2000, 1]])) : chance.pick([null, '']),
      timestamp: chance.percent(97) ? this.nextTime() : -1,
      headers: chance.percent(85) ? [] : [['h', 'x'], ['', null]],
    };
  }

  /** What a well-behaved producer would send. */
  goodBatch(): BatchSpec {
    const { chance } = this;
    return {
      codec: chance.weighted([['none', 6], ['gzip', 1], ['snappy', 1], ['lz4', 1], ['zstd', 1]]),
      records: chance.some(chance.weighted([[1, 5], [chance.between(2, 6), 5], [40, 1]]), () => this.record()),
    };
  }
}

/** A broker that does not live. Some topics have replicas there, and whoever says that it is this broker is believed. */
export const ASSIGNED_REPLICA = 1;

export function nameOf(topic: TopicInWorld): string {
  return ref(`topic:${topic.n}`, '');
}

export function idOf(topic: TopicInWorld): string {
  return ref(`topicId:${topic.n}`, ZERO_ID);
}

export function memberIdOf(member: MemberInWorld): string {
  return ref(`member:${member.n}`, '');
}
