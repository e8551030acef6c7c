// What the apis of settings have in common: whose settings are spoken of, and which those of brokers are. Such as would end the
// conversation (few connections, small requests) are not said.
import { configName, configValue } from './create-topics.js';
import { nameOf, type World } from '../world.js';

export interface Resources {
  readonly resources: readonly { readonly resourceType: number; readonly resourceName: string }[];
}

const BROKER = 4;
const LOGGER = 8;

/** Told by ZooKeeper to a thread of the broker's, which may be behind; what is only read there may not. */
export function ofTopicsOnly({ resources }: Partial<Resources>): boolean {
  return (resources ?? []).every(({ resourceType }) => resourceType !== BROKER);
}

/** Brokers are everybody's. */
export function ofBrokers({ resources }: Partial<Resources>): boolean {
  return (resources ?? []).some(({ resourceType }) => resourceType === BROKER || resourceType === LOGGER);
}

export function alteredType({ chance }: World): number {
  return chance.weighted([[2, 30], [BROKER, 8], [LOGGER, 1], [0, 1], [1, 1], [3, 1], [16, 1], [99, 1]]);
}

export function alteredName(world: World, type: number): string {
  const { chance } = world;
  if (type === BROKER || type === LOGGER) return chance.weighted<string>([['0', 10], ['', 8], ['1', 1], ['x', 1], ['-1', 1], ['00', 1]]);
  return chance.percent(85) ? nameOf(world.anyTopic()) : world.topicName();
}

const BROKER_KEYS = [
  'log.retention.ms', 'log.retention.bytes', 'log.local.retention.ms', 'log.roll.ms', 'log.roll.jitter.ms', 'log.flush.interval.ms', 'log.cleanup.policy', 'log.cleaner.threads',
  'log.cleaner.dedupe.buffer.size', 'log.cleaner.io.max.bytes.per.second', 'log.cleaner.min.cleanable.ratio', 'min.insync.replicas', 'unclean.leader.election.enable',
  'leader.replication.throttled.rate', 'follower.replication.throttled.rate', 'replica.alter.log.dirs.io.max.bytes.per.second', 'num.io.threads', 'num.replica.fetchers',
  'background.threads', 'max.connections.per.ip.overrides', 'log.message.downconversion.enable', 'log.segment.delete.delay.ms', 'my.own.key',
];
const NOT_SO = [
  'broker.id', 'num.partitions', 'log.roll.hours', 'ssl.keystore.type', 'ssl.truststore.location', 'listener.name.plaintext.ssl.keystore.type', 'sasl.kerberos.kinit.cmd',
  'listener.name.plaintext.ssl.key.password', 'log.message.format.version', 'principal.builder.class', 'retention.ms',
];
const BROKER_VALUES = ['0', '1', '-1', '-2', '4', '16', '17', '100', '1000000', '9223372036854775807', 'compact', 'delete', 'true', 'false', '', ' 70 ', '0.5', 'x', 'localhost:5'];

export function alteredKey(world: World, type: number): string {
  const { chance } = world;
  if (type === LOGGER) return chance.pick(['root', 'root', 'no.such.logger', '']);
  return type === BROKER ? chance.weighted<string>([[chance.pick(BROKER_KEYS), 12], [chance.pick(NOT_SO), 3]]) : configName(world);
}

export function alteredValue(world: World, type: number): string | null {
  const { chance } = world;
  // Kafka at DEBUG says more than a disk is for.
  if (type === LOGGER) return chance.pick(['INFO', 'INFO', 'info', '', null]);
  return type === BROKER ? chance.weighted<string | null>([[chance.pick(BROKER_VALUES), 40], [null, 1]]) : configValue(world);
}
