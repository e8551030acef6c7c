import { ErrorCode } from '../../../src/protocol/errors.js';
import type { Grammar, Settling } from '../grammar.js';
import { ref } from '../symbols.js';
import { nameOf, ZERO_ID, type TopicInWorld, type World } from '../world.js';
import { learnTopics, whenThere } from './metadata.js';

export const createTopics: Grammar = {
  api: 'CreateTopics',
  readsOwnWrites: () => true,
  weights: { admin: 14, configs: 3, records: 1, reading: 1 },
  say(world) {
    const { chance } = world;
    const made = chance.some(chance.weighted([[1, 8], [2, 2], [3, 1]]), () => newTopic(world));
    const topics = chance.percent(4) ? [...made, made[0]!] : made;
    return { body: { topics, timeoutMs: chance.weighted([[20_000, 20], [0, 1], [-1, 1]]), validateOnly: chance.percent(10) }, binds: 'topics' };
  },
  learn: learnTopics,
  /** Who did not want to wait is answered before the topic is there. */
  settles({ topics }: { topics: readonly { readonly name: string; readonly errorCode: number }[] }): Settling | undefined {
    const late = topics.filter(({ errorCode }) => errorCode === ErrorCode.RequestTimedOut).map(({ name }) => ({ name, topicId: ZERO_ID }));
    return late.length === 0 ? undefined : whenThere(late);
  },
  unordered: { topics: ['name'], 'topics.configs': ['name'] },
};

function newTopic(world: World): object {
  const { chance } = world;
  if (chance.percent(30)) return odd(world);
  const gone = world.topics.find(({ exists }) => !exists);
  if (gone !== undefined && chance.percent(60)) return again(world, gone);
  if (world.topics.length >= 6) return { name: nameOf(world.anyTopic()), numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
  const topic = world.addTopic(chance.between(1, 3));
  return { name: nameOf(topic), numPartitions: topic.partitions, replicationFactor: 1, assignments: [], configs: [] };
}

/** A name that was there before, for another topic. */
function again({ chance }: World, topic: TopicInWorld): object {
  topic.exists = true;
  topic.partitions = chance.between(1, 3);
  topic.ends.length = 0;
  const configs = chance.percent(60) ? [] : [{ name: chance.pick(['retention.ms', 'max.message.bytes', 'segment.bytes', 'flush.messages']), value: '70000' }];
  return { name: nameOf(topic), numPartitions: topic.partitions, replicationFactor: 1, assignments: [], configs };
}

function odd(world: World): object {
  const { chance } = world;
  const name = chance.percent(60) ? ref(`topic:${chance.between(10, 14)}`, '') : world.topicName();
  const assigned = chance.percent(35);
  return {
    name,
    numPartitions: assigned ? chance.weighted([[-1, 6], [1, 1]]) : chance.pick([-1, -2, 0, 1, 2]),
    replicationFactor: assigned ? chance.weighted([[-1, 6], [1, 1]]) : chance.pick([-1, -2, 0, 1, 2]),
    assignments: assigned ? chance.some(chance.between(1, 3), index => ({
      partitionIndex: chance.weighted([[index, 8], [index + 1, 1], [0, 1], [-1, 1]]),
      brokerIds: chance.weighted<number[]>([[[0], 8], [[], 1], [[0, 0], 1], [[1], 1], [[0, 1], 1], [[-1], 1]]),
    })) : [],
    configs: chance.percent(50) ? [] : chance.some(chance.between(1, 2), () => ({ name: configName(world), value: configValue(world) })),
  };
}

export const CONFIG_NAMES = [
  'retention.ms', 'retention.bytes', 'cleanup.policy', 'max.message.bytes', 'min.insync.replicas', 'segment.bytes', 'compression.type',
  'message.timestamp.type', 'segment.ms', 'flush.messages', 'unclean.leader.election.enable', 'message.timestamp.before.max.ms', 'index.interval.bytes',
  'delete.retention.ms', 'min.cleanable.dirty.ratio', 'preallocate', 'message.format.version', 'message.downconversion.enable', 'remote.storage.enable',
  'local.retention.ms', 'leader.replication.throttled.replicas', 'follower.replication.throttled.replicas', 'message.timestamp.difference.max.ms',
  'file.delete.delay.ms', 'max.compaction.lag.ms', 'min.compaction.lag.ms', 'segment.index.bytes', 'segment.jitter.ms', 'flush.ms',
  'message.timestamp.after.max.ms', 'compression.gzip.level', 'compression.lz4.level', 'compression.zstd.level', 'local.retention.bytes',
];

const CONFIG_VALUES = [
  '0', '1', '-1', '-2', '100', '1000000', '2147483647', '2147483648', '9223372036854775807', 'delete', 'compact', 'compact,delete', 'delete, compact',
  'producer', 'gzip', 'zstd', 'CreateTime', 'LogAppendTime', 'true', 'false', 'TRUE', '', ' 70 ', '0.5', '1.5', 'x', '*', '0:0', '0:0,1:0', 'none', '3.0-IV1', '1e3', '+5', '0x10',
];

export function configName(world: World): string {
  const { chance } = world;
  return chance.weighted<string>([[chance.pick(CONFIG_NAMES), 20], ['no.such.key', 1], ['', 1], ['log.retention.ms', 1]]);
}

export function configValue({ chance }: World): string | null {
  return chance.percent(97) ? chance.pick(CONFIG_VALUES) : null;
}
