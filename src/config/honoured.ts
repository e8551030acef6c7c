// The keys that do something today. Every other key is known, checked and described like these, and setting it is answered
// with a warning, so that nobody relies on what is not there yet. A test reads the sources and holds this list to them.

/** Broker keys, by who acts on them. */
const BROKER = {
  'addresses and identity': [
    'advertised.listeners', 'broker.id', 'broker.id.generation.enable', 'broker.rack', 'control.plane.listener.name', 'inter.broker.listener.name', 'listener.security.protocol.map',
    'listeners', 'node.id', 'reserved.broker.max.id', 'security.inter.broker.protocol',
  ],
  coordination: ['odradek.embedded.dir', 'odradek.embedded.port', 'zookeeper.connect', 'zookeeper.connection.timeout.ms', 'zookeeper.session.timeout.ms'],
  'connections and threads': [
    'connections.max.idle.ms', 'max.connections', 'num.io.threads', 'num.network.threads', 'num.recovery.threads.per.data.dir',
    'queued.max.request.bytes', 'socket.listen.backlog.size', 'socket.receive.buffer.bytes', 'socket.request.max.bytes', 'socket.send.buffer.bytes',
  ],
  'between brokers': [
    'controller.socket.timeout.ms', 'inter.broker.protocol.version', 'replica.fetch.response.max.bytes', 'replica.socket.receive.buffer.bytes', 'request.timeout.ms',
    'socket.connection.setup.timeout.ms',
  ],
  'logs on disk': [
    'log.dir', 'log.dirs', 'log.flush.offset.checkpoint.interval.ms', 'log.flush.scheduler.interval.ms',
    'log.flush.start.offset.checkpoint.interval.ms', 'producer.id.expiration.ms', 'replica.high.watermark.checkpoint.interval.ms',
  ],
  'producing and fetching': ['fetch.max.bytes', 'replica.selector.class', 'max.incremental.fetch.session.cache.slots', 'transaction.max.timeout.ms'],
  replication: [
    'num.replica.fetchers', 'replica.fetch.backoff.ms', 'replica.fetch.max.bytes', 'replica.fetch.min.bytes', 'replica.fetch.wait.max.ms', 'replica.lag.time.max.ms',
    'replica.socket.timeout.ms', 'replication.quota.window.num', 'replication.quota.window.size.seconds',
  ],
  topics: [
    'auto.create.topics.enable', 'auto.leader.rebalance.enable', 'controlled.shutdown.enable',
    'controlled.shutdown.max.retries', 'controlled.shutdown.retry.backoff.ms', 'default.replication.factor', 'delete.topic.enable',
    'leader.imbalance.check.interval.seconds', 'leader.imbalance.per.broker.percentage', 'num.partitions',
    'offsets.topic.num.partitions', 'offsets.topic.replication.factor', 'offsets.topic.segment.bytes', 'transaction.state.log.min.isr',
    'transaction.state.log.num.partitions', 'transaction.state.log.replication.factor', 'transaction.state.log.segment.bytes',
    'unclean.leader.election.enable',
  ],
  'consumer groups': [
    'group.initial.rebalance.delay.ms', 'group.max.session.timeout.ms', 'group.max.size', 'group.min.session.timeout.ms', 'offset.metadata.max.bytes',
    'offsets.commit.timeout.ms', 'offsets.load.buffer.size', 'offsets.retention.check.interval.ms', 'offsets.retention.minutes',
  ],
  'defaults of topics': [
    'log.cleanup.policy', 'log.flush.interval.messages', 'log.flush.interval.ms', 'log.index.interval.bytes', 'log.index.size.max.bytes',
    'log.message.timestamp.after.max.ms', 'log.message.timestamp.before.max.ms', 'log.message.timestamp.difference.max.ms', 'log.message.timestamp.type',
    'log.roll.hours', 'log.roll.jitter.hours', 'log.roll.jitter.ms', 'log.roll.ms', 'log.segment.bytes', 'log.segment.delete.delay.ms', 'message.max.bytes',
    'min.insync.replicas',
  ],
} as const;

export const honouredBrokerKeys: Readonly<Record<string, readonly string[]>> = BROKER;

export const honouredTopicKeys: readonly string[] = [
  'cleanup.policy', 'file.delete.delay.ms', 'flush.messages', 'flush.ms', 'index.interval.bytes', 'max.message.bytes', 'message.timestamp.after.max.ms',
  'message.timestamp.before.max.ms', 'message.timestamp.difference.max.ms', 'message.timestamp.type', 'min.insync.replicas',
  'segment.bytes', 'segment.index.bytes', 'segment.jitter.ms', 'segment.ms', 'unclean.leader.election.enable',
];

const honoured: ReadonlySet<string> = new Set(Object.values(BROKER).flat());

export function isHonoured(brokerKey: string): boolean {
  return honoured.has(brokerKey);
}
