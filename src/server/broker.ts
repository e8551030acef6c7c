// The composition root: the one place that constructs the parts of a broker and joins them.

import { topicName, type TopicName } from '../base/topic-name.js';
import { join, resolve } from 'node:path';
import { systemClock, type Clock } from '../base/clock.js';
import { isLeveled } from '../base/json-logger.js';
import type { Logger } from '../base/logger.js';
import { systemRandom, type Random } from '../base/random.js';
import { systemResolver, type Resolver } from '../base/resolver.js';
import { systemTimers, type Timer, type Timers } from '../base/timers.js';
import { Turns } from '../base/turns.js';
import type { BrokerConfig } from '../config/broker-config.js';
import type { PeerChannels } from '../network/peer-channels.js';
import { Controller } from '../controller/controller.js';
import { interBrokerProtocol } from '../controller/request-versions.js';
import { controllerSettings } from '../controller/settings.js';
import { createGroupCoordinator, type GroupCoordinator } from '../coordinator/group/coordinator.js';
import { groupCoordinatorConfig } from '../coordinator/group/config.js';
import { lockDirectory, type FileLock, type LockFile } from '../log/log-directory.js';
import { LogManager, logOptions } from '../log/log-manager.js';
import { identityProblem, META_PROPERTIES, readMetaProperties, writeMetaProperties, type FoundMetaProperties } from '../log/meta-properties.js';
import { diskStorage, type Storage } from '../log/storage.js';
import { AppendFlag } from '../native/exchange.js';
import { inflate } from '../native/inflate.js';
import type { AlterPartitionManager } from '../replication/isr-change.js';
import { MetadataCache } from '../replication/metadata-cache.js';
import type { Partition } from '../replication/partition.js';
import { replicaSelector } from '../replication/replica-selector.js';
import { ReplicaManager } from '../replication/replica-manager.js';
import { ReplicationQuotas } from '../replication/replication-quotas.js';
import { ZooKeeperClient } from '../zookeeper/client/client.js';
import { RetryingZooKeeper } from '../zookeeper/retrying.js';
import type { EmbeddedZooKeeper } from '../zookeeper/server/embedded.js';
import { isZkError, type ZooKeeper } from '../zookeeper/types.js';
import { SECURITY_PROTOCOL_IDS, type BrokerEndpoint } from '../zookeeper/znodes/broker.js';
import { encodeLogDirEvent } from '../zookeeper/znodes/notifications.js';
import { SequencePrefix, TOPIC_ENTITIES } from '../zookeeper/znodes/paths.js';
import { BrokerConfigs } from './broker-configs.js';
import { ConfigChanges } from './config-changes.js';
import { FinalizedFeatures } from './finalized-features.js';
import { InternalTopicLog } from './coordinator-log.js';
import { DataPlane } from './data-plane.js';
import { handOver } from './leaving.js';
import { Loggers } from './loggers.js';
import { zooKeeperOffsets } from './legacy-offsets.js';
import { createPeers } from './peers.js';
import { nextProducerIds } from './producer-id-blocks.js';
import { ProducerIds } from './producer-ids.js';
import { clusterIdOf, createPersistentPaths, generateBrokerId, register } from './registration.js';
import { advertisedApis, routesFor } from './routes.js';
import type { BrokerServices } from './services.js';
import { alterPartitionManager, replicaFetchers } from './replication.js';
import { BrokerSession } from './session.js';
import { GROUP_OFFSETS_TOPIC, INTERNAL_TOPICS, InternalTopics } from './topics/internal-topics.js';
import { ToController } from './to-controller.js';
import { TopicAdmin } from './topics/topic-admin.js';
import { TopicConfigs } from './topics/topic-configs.js';

export interface BrokerOptions {
  readonly config: BrokerConfig;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly timers?: Timers;
  readonly random?: Random;
  readonly storage?: Storage;
  /** Names of other brokers' hosts. */
  readonly resolve?: Resolver;
  /** Ends a start that waits for ZooKeeper, or for the end of an older session of this broker: it rejects with the reason. */
  readonly stop?: AbortSignal;
}

export interface RunningBroker {
  readonly id: number;
  readonly clusterId: string;
  readonly host: string;
  /** Of the first listener. */
  readonly port: number;
  /** Counters of the native part: connections, requests, bytes held and moved. */
  stats(): Readonly<Record<string, number>>;
  /** Resolves if the broker stops by itself: at once, with the reason. close() then resolves when it has stopped. */
  readonly failed: Promise<Error>;
  /** An ordered stop: logs are flushed and marked clean, the registration goes at once. */
  close(): Promise<void>;
}

const RESIGN_MS = 2000;
const UNLIMITED_MS = Number.MAX_SAFE_INTEGER;

/** Starts a broker; resolves when it serves. What was begun is undone if it cannot. */
export async function startBroker(options: BrokerOptions): Promise<RunningBroker> {
  const broker = new Broker(options);
  try {
    await Promise.race([broker.start(), broker.failed.then(error => { throw error; })]);
    return broker;
  } catch (error) {
    await broker.close().catch(() => {});
    throw broker.explained(error);
  }
}

class Broker implements RunningBroker {
  readonly #config: BrokerConfig;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #random: Random;
  readonly #storage: Storage;
  readonly #resolve: Resolver;
  readonly #stop: AbortSignal | undefined;
  readonly #logDirs: readonly string[];
  /** Those whose meta.properties cannot be read or written. */
  readonly #unusable = new Set<string>();
  readonly #metadata = new MetadataCache();
  readonly #locks: FileLock[] = [];
  readonly #periodic: Timer[] = [];
  #plane: DataPlane | undefined;
  #embedded: EmbeddedZooKeeper | undefined;
  #client: ZooKeeperClient | undefined;
  #zk!: ZooKeeper;
  #logs: LogManager | undefined;
  #replicas!: ReplicaManager;
  #isrChanges: AlterPartitionManager | undefined;
  #controller: Controller | undefined;
  #peers: PeerChannels | undefined;
  #toController: ToController | undefined;
  #serves = false;
  #groups: GroupCoordinator | undefined;
  #configChanges: ConfigChanges | undefined;
  #session: BrokerSession | undefined;
  #features: FinalizedFeatures | undefined;
  #topicConfigs!: TopicConfigs;
  #brokerConfigs!: BrokerConfigs;
  #quotas!: ReplicationQuotas;
  #closing: Promise<void> | undefined;
  readonly failed: Promise<Error>;
  #fail!: (why: Error) => void;
  id = -1;
  clusterId = '';
  host = '';
  port = 0;

  constructor(options: BrokerOptions) {
    this.#config = options.config;
    this.#logger = options.logger;
    this.#clock = options.clock ?? systemClock;
    this.#timers = options.timers ?? systemTimers;
    this.#random = options.random ?? systemRandom;
    this.#storage = options.storage ?? diskStorage;
    this.#resolve = options.resolve ?? systemResolver;
    this.#stop = options.stop;
    this.#logDirs = options.config.logDirs.map(dir => resolve(dir));
    this.failed = new Promise(fail => { this.#fail = fail; });
  }

  async start(): Promise<void> {
    const plane = (this.#plane = new DataPlane({ config: this.#config, clock: this.#clock, timers: this.#timers, random: this.#random, resolve: this.#resolve, logger: this.#logger }));
    const lock: LockFile = path => {
      const handle = plane.native.lockFile(path);
      return handle < 0 ? undefined : { release: () => plane.native.unlockFile(handle) };
    };
    await this.#lockDirectories(lock);
    await this.#connectCoordination(lock);
    this.clusterId = await clusterIdOf(this.#zk, this.#random);
    await this.#identify();
    await this.#readDynamicConfig();
    await this.#openLogs(plane);
    const endpoints = this.#listen(plane);
    const services = this.#compose(plane);
    plane.serve({
      logs: this.#logs!, replicas: this.#replicas, topicConfigs: this.#topicConfigs,
      selectReplica: replicaSelector(this.#config.string('replica.selector.class')), quota: this.#quotas.leader,
      routes: (produce, fetch) => routesFor(services, produce, fetch, this.#logger),
    });
    await this.#join(plane, endpoints);
    this.#replicas.start();
    this.#serves = true;
    this.#schedule();
  }

  stats(): Readonly<Record<string, number>> {
    return this.#plane?.native.stats() ?? {};
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#handOver();
    for (const timer of this.#periodic) timer.cancel();
    this.#session?.close();
    this.#configChanges?.close();
    this.#plane?.native.stopListening();
    await this.#resign();
    this.#peers?.close();
    this.#groups?.close();
    this.#replicas?.close();
    this.#isrChanges?.close();
    if (this.#logs !== undefined) {
      await this.#checkpointHighWatermarks();
      await this.#logs.close();
    }
    await this.#client?.close();
    await this.#embedded?.close();
    for (const lock of this.#locks) lock.release();
    await this.#plane?.close();
  }

  /** Has others lead what this broker leads. One that was never seen, that can serve nothing, or that ZooKeeper has lost hands nothing over. */
  async #handOver(): Promise<void> {
    const config = this.#config;
    if (!config.boolean('controlled.shutdown.enable') || !this.#serves || this.#client?.state !== 'connected' || this.#logs?.onlineDirectories.size === 0) return;
    await handOver({
      brokerId: this.id, brokerEpoch: () => this.#replicas.brokerEpoch, controller: this.#toController!,
      version: interBrokerProtocol(config.string('inter.broker.protocol.version')!).controlledShutdown,
      attempts: config.number('controlled.shutdown.max.retries'), backoffMs: config.number('controlled.shutdown.retry.backoff.ms'),
      timeoutMs: config.number('controller.socket.timeout.ms'), timers: this.#timers, logger: this.#logger,
    });
  }

  /** What an operator can make something of. */
  explained(error: unknown): unknown {
    if (this.#embedded === undefined || !isZkError(error, 'SYSTEMERROR')) return error;
    return new Error(`odradek.embedded.dir: ${resolve(this.#config.embeddedDir)}: cannot be written to at present, is its disk full?`, { cause: error });
  }

  /** Gives up the place of controller where ZooKeeper is there to hear it. Without it nothing waits: the session ends by itself. */
  async #resign(): Promise<void> {
    const resigned = this.#controller?.close();
    if (resigned === undefined || this.#client?.state !== 'connected') return;
    let late: Timer | undefined;
    await Promise.race([resigned, new Promise<void>(done => { late = this.#timers.after(RESIGN_MS, done); })]);
    late?.cancel();
  }

  async #lockDirectories(lock: LockFile): Promise<void> {
    for (const logDir of this.#logDirs) {
      await this.#storage.makeDirectory(logDir);
      this.#locks.push(lockDirectory(lock, logDir));
    }
  }

  /** A real ensemble, or one of our own in this process. */
  async #connectCoordination(lock: LockFile): Promise<void> {
    let connect = this.#config.zookeeperConnect;
    const seams = { clock: this.#clock, timers: this.#timers, random: this.#random, logger: this.#logger };
    if (connect === null) {
      const { startEmbeddedZooKeeper } = await import('../zookeeper/server/embedded.js');
      this.#embedded = await startEmbeddedZooKeeper({
        dataDir: resolve(this.#config.embeddedDir),
        port: this.#config.number('odradek.embedded.port'),
        lock,
        ...seams,
        // What is known is served on, as when a real ensemble is away; but this one comes back only with a new start. (A
        // full disk is no failure: it is waited for.)
        onFailure: error => this.#logger.error({ error: String(error) }, 'embedded coordination has stopped, its disk failed: start the broker again once that is mended'),
      });
      connect = `${this.#embedded.host}:${this.#embedded.port}`;
    }
    const client = (this.#client = new ZooKeeperClient({ connect, sessionTimeoutMs: this.#config.number('zookeeper.session.timeout.ms'), ...seams }));
    await unlessStopped(within(client.connect(), this.#config.zookeeperConnectionTimeoutMs, this.#timers, `no ZooKeeper answered at ${connect}`), this.#stop);
    await client.ensureChroot();
    this.#zk = new RetryingZooKeeper(client);
    await createPersistentPaths(this.#zk);
  }

  /** Which broker of which cluster this is: the configuration, meta.properties and ZooKeeper have to agree. */
  async #identify(): Promise<void> {
    const found = new Map<string, FoundMetaProperties | null>();
    for (const dir of this.#logDirs) await this.#orUnusable(dir, async () => { found.set(dir, await readMetaProperties(this.#storage, join(dir, META_PROPERTIES))); });
    const configured = this.#config.brokerId;
    const problem = identityProblem(found, this.clusterId, configured);
    if (problem !== undefined) throw new Error(problem);
    const stored = [...found.values()].find(meta => meta !== null && meta.brokerId !== null)?.brokerId ?? null;
    this.id = configured >= 0 ? configured : (stored ?? await generateBrokerId(this.#zk, this.#config.number('reserved.broker.max.id')));
    const now = new Date(this.#clock.now());
    for (const [dir, meta] of found) {
      if (meta?.clusterId === this.clusterId && meta.brokerId === this.id) continue;
      await this.#orUnusable(dir, () => writeMetaProperties(this.#storage, join(dir, META_PROPERTIES), { clusterId: this.clusterId, brokerId: this.id, directoryId: meta?.directoryId ?? null }, now));
    }
  }

  /** A directory that cannot even say whose it is stays out, and the others serve. */
  async #orUnusable(logDir: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#unusable.add(logDir);
      if (this.#unusable.size === this.#logDirs.length) throw error;
      this.#logger.error({ logDir, error: String(error) }, 'a log directory cannot be used');
    }
  }

  /** What was set while this broker, or another one, ran. Threads and sockets are as the file says: they are there by now. */
  async #readDynamicConfig(): Promise<void> {
    this.#quotas = new ReplicationQuotas(this.#config, this.#clock, this.id);
    this.#brokerConfigs = new BrokerConfigs(this.#zk, this.#config, this.#logger, this.id);
    await this.#brokerConfigs.reload();
  }

  async #openLogs(plane: DataPlane): Promise<void> {
    const config = this.#config;
    this.#topicConfigs = new TopicConfigs(this.#zk, config, topic => this.#reconfigure(topic), () => void this.#reconfigureAll());
    await this.#topicConfigs.reloadAll();
    const logs = (this.#logs = new LogManager({
      native: plane.native, jobs: plane.jobs, commands: plane.commands, storage: this.#storage, logDirs: this.#logDirs, unusable: this.#unusable,
      clock: this.#clock, timers: this.#timers, random: this.#random, logger: this.#logger,
      topicConfig: topic => this.#topicConfigs.of(topic),
      producerExpirationMs: () => config.number('producer.id.expiration.ms'),
      recoveryCheckpointMs: config.number('log.flush.offset.checkpoint.interval.ms'),
      startOffsetCheckpointMs: config.number('log.flush.start.offset.checkpoint.interval.ms'),
      flushCheckMs: config.number('log.flush.scheduler.interval.ms'),
      openAtOnce: Math.max(4, config.number('num.recovery.threads.per.data.dir')),
      onDirectoryFailed: logDir => this.#directoryFailed(logDir),
    }));
    plane.attachLogs(logs);
    await logs.open();
    const isrChanges = (this.#isrChanges = alterPartitionManager(config, {
      brokerId: this.id, zookeeper: this.#zk, clock: this.#clock, timers: this.#timers, logger: this.#logger,
      brokerEpoch: () => this.#replicas.brokerEpoch,
      controller: () => this.#peers?.channel(this.#metadata.controllerId, 'to-controller'),
    }));
    this.#replicas = new ReplicaManager({
      brokerId: this.id, logs, metadata: this.#metadata, logger: this.#logger, timers: this.#timers,
      fetchers: replicaFetchers(config, {
        brokerId: this.id, clock: this.#clock, timers: this.#timers, logger: this.#logger, turns: plane.turns, quota: this.#quotas.follower,
        brokerEpoch: () => this.#replicas.brokerEpoch,
        channel: (broker, purpose) => this.#peers?.channel(broker, purpose),
      }),
      partitionSeams: {
        brokerId: this.id, purgatory: plane.purgatory, logger: this.#logger,
        now: () => this.#clock.monotonic(),
        maxLagMs: config.number('replica.lag.time.max.ms'),
        isAlive: broker => this.#metadata.broker(broker) !== undefined,
        watch: (log, watched) => { plane.native.watched[log] = watched ? 1 : 0; },
        alterIsr: (change, answered) => isrChanges.submit(change, answered),
      },
      prepareTopic: topic => this.#topicConfigs.reload(topic),
      configure: partition => this.#configure(partition),
      onLeadership: (partition, leads) => this.#leadershipChanged(partition, leads),
      onReplicasBack: () => void this.#askToBeAsked(),
      onDeleted: partitions => this.#groups?.onPartitionsDeleted(partitions),
      internalTopics: INTERNAL_TOPICS,
    });
  }

  /** Binds every listener; answers what is to be advertised. */
  #listen(plane: DataPlane): BrokerEndpoint[] {
    const { bind, advertised } = this.#config.listeners;
    const backlog = this.#config.number('socket.listen.backlog.size');
    const ports = new Map(bind.map(({ listener, host, port }, at) => {
      try {
        return [listener, plane.native.listen(at, host ?? '', port, backlog)];
      } catch (error) {
        throw new Error(`listeners: ${listener}://${host ?? ''}:${port}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      }
    }));
    const endpoints = advertised.map(({ listener, host, port, protocol }) => ({ listener, host, port: port === 0 ? (ports.get(listener) ?? 0) : port, securityProtocol: SECURITY_PROTOCOL_IDS[protocol] }));
    this.host = endpoints[0]?.host ?? '';
    this.port = ports.get(bind[0]!.listener) ?? 0;
    return endpoints;
  }

  #compose(plane: DataPlane): BrokerServices {
    const config = this.#config;
    const seams = { clock: this.#clock, timers: this.#timers, random: this.#random, logger: this.#logger };
    const topics = new TopicAdmin({ zookeeper: this.#zk, metadata: this.#metadata, config, random: this.#random });
    // Asked once: a group that is looked for by another count is looked for in the wrong place (Kafka reads it once too).
    let offsetsPartitions: number | undefined;
    const log = new InternalTopicLog({
      topic: GROUP_OFFSETS_TOPIC, native: plane.native, commands: plane.commands, arena: plane.space.bytes,
      replicas: this.#replicas, flush: () => plane.flush(),
    });
    const groups = (this.#groups = createGroupCoordinator({
      ...seams, log,
      config: groupCoordinatorConfig(config),
      metadata: {
        offsetsPartitionCount: () => {
          const existing = this.#metadata.topic(GROUP_OFFSETS_TOPIC)?.partitions.size;
          if (existing === undefined) return config.number('offsets.topic.num.partitions');
          return (offsetsPartitions ??= existing);
        },
        topicExists: (topic, partition) => this.#metadata.has(topic, partition),
      },
      inflate: (codec, records) => inflate(plane.jobs, codec, records),
      legacyOffsets: zooKeeperOffsets(this.#zk),
    }));
    const peers = (this.#peers = createPeers({
      ...seams, brokerId: this.id, config, wire: plane.wire, localWire: plane.localWire, metadata: this.#metadata,
      registered: broker => this.#controller?.endpointsOf(broker) ?? [],
    }));
    const controller = (this.#controller = new Controller({ ...seams, brokerId: this.id, zookeeper: this.#zk, channel: broker => peers.channel(broker, 'controller'), settings: controllerSettings(config) }));
    const toController = (this.#toController = new ToController({ ...seams, controllerId: () => this.#metadata.controllerId, channel: broker => peers.channel(broker, 'to-controller') }));
    let unclean = config.boolean('unclean.leader.election.enable');
    config.onChange(() => {
      const before = unclean;
      unclean = config.boolean('unclean.leader.election.enable');
      if (unclean && !before) controller.uncleanElectionEnabled();
    });
    const services: BrokerServices = {
      ...seams, brokerId: this.id, clusterId: this.clusterId, config, zookeeper: this.#zk,
      metadata: this.#metadata, replicas: this.#replicas, controller, topics, groups,
      internalTopics: new InternalTopics(topics, config, this.#logger),
      topicConfigs: this.#topicConfigs, brokerConfigs: this.#brokerConfigs,
      loggers: new Loggers(isLeveled(this.#logger) ? this.#logger : undefined),
      producerIds: new ProducerIds({ ...seams, allocate: () => nextProducerIds({ zookeeper: this.#zk, config, brokerId: this.id, brokerEpoch: this.#replicas.brokerEpoch, controller: toController }) }),
      apiVersions: { advertised: advertisedApis(), finalizedFeatures: (this.#features = new FinalizedFeatures(this.#zk, this.#logger)) },
    };
    return services;
  }

  /** Becomes visible: registers, takes part in elections, and waits until it has been told of the cluster. */
  async #join(plane: DataPlane, endpoints: readonly BrokerEndpoint[]): Promise<void> {
    const registration = {
      zookeeper: this.#zk, brokerId: this.id, endpoints, rack: this.#config.string('broker.rack'),
      clock: this.#clock, logger: this.#logger, predecessorIsDead: this.#config.embedded,
    };
    this.#configChanges = new ConfigChanges(this.#zk, this.#clock, this.#logger, async entity => {
      const topic = entity.startsWith(TOPIC_ENTITIES) ? topicName(entity.slice(TOPIC_ENTITIES.length)) : undefined;
      if (topic === undefined) {
        if (this.#brokerConfigs.concerns(entity)) await this.#brokerConfigs.reload();
        return;
      }
      await this.#topicConfigs.reload(topic);
      if (this.#topicConfigs.overrides(topic).get('unclean.leader.election.enable') === 'true') this.#controller?.uncleanElectionEnabled(topic);
    });
    await this.#configChanges.start();
    this.#replicas.brokerEpoch = await unlessStopped(register(registration), this.#stop);
    this.#session = new BrokerSession({
      zookeeper: this.#zk, logger: this.#logger, timers: this.#timers,
      register: () => register(registration),
      expired: () => this.#controller?.sessionExpired(),
      restored: async epoch => {
        this.#replicas.brokerEpoch = epoch;
        this.#configChanges?.restart();
        await this.#features?.watch();
        await this.#controller?.start();
      },
    });
    this.#session.start();
    await this.#controller!.start();
    // If that is us: what this broker leads it leads before it is asked for it.
    await this.#controller!.told(this.id);
    await this.#features?.watch();
    // Not before: while the session of its last life has still to end, a broker knows nothing of its cluster and would tell
    // clients that there is none (Kafka's SocketServer.enableRequestProcessing comes behind the registration too). Not
    // later: a controller elsewhere tells us of the cluster by a socket. Our own has done so already.
    plane.open();
    await this.#knownToSelf();
  }

  #knownToSelf(): Promise<void> {
    return new Promise(done => {
      const look = (): boolean => this.#metadata.broker(this.id) !== undefined;
      if (look()) return done();
      const stop = this.#metadata.onUpdate(() => {
        if (!look()) return;
        stop();
        done();
      });
    });
  }

  #schedule(): void {
    const every = this.#config.number('replica.high.watermark.checkpoint.interval.ms');
    if (every < UNLIMITED_MS) this.#periodic.push(this.#timers.every(every, () => void this.#checkpointHighWatermarks()));
  }

  async #checkpointHighWatermarks(): Promise<void> {
    await this.#replicas?.checkpointHighWatermarks();
  }

  #configure(partition: Partition): void {
    const config = this.#topicConfigs.of(partition.topic);
    partition.minInsyncReplicas = config.minInsyncReplicas;
    partition.zstd = config.compressionType === 'zstd';
    partition.downConverts = config.messageDownconversionEnable;
    partition.appendFlags = (config.messageTimestampType === 'LogAppendTime' ? AppendFlag.logAppendTime : 0) | (config.compact ? AppendFlag.requireKey : 0);
    partition.log?.configure(logOptions(config, this.#random.int(0x7fffffff)));
    partition.reconfigured();
  }

  #reconfigure(topic: TopicName): void {
    this.#quotas.applyTopic(topic, this.#topicConfigs.of(topic));
    for (const partition of this.#replicas?.partitionsOf(topic) ?? []) if (partition?.log !== undefined) this.#configure(partition);
  }

  /** In turns: there may be very many. What changes meanwhile is seen by those that come behind, and by the next round. */
  async #reconfigureAll(): Promise<void> {
    const turns = new Turns(this.#clock, this.#timers);
    for (const partition of this.#replicas?.partitions() ?? []) {
      await turns.next();
      if (partition.log !== undefined) this.#configure(partition);
    }
  }

  #leadershipChanged(partition: Partition, leads: boolean): void {
    if (partition.topic !== GROUP_OFFSETS_TOPIC) return;
    if (leads) void this.#groups?.onElected(partition.index, partition.leaderEpoch);
    else this.#groups?.onResigned(partition.index, partition.leaderEpoch);
  }

  #directoryFailed(logDir: string): void {
    this.#replicas?.directoryFailed(logDir);
    if (this.#logs !== undefined && this.#logs.onlineDirectories.size === 0) {
      this.#logger.error({}, 'every log directory has failed: stopping');
      this.#fail(new Error(`every log directory has failed: ${this.#logDirs.join(', ')}`));
      this.close().catch((error: unknown) => this.#logger.error({ error: String(error) }, 'the stop was not in order'));
      return;
    }
    void this.#askToBeAsked();
  }

  /** Has the controller ask which replicas this broker can serve: some went with their log directory, or came back (ReplicaManager.handleLogDirFailure). */
  async #askToBeAsked(): Promise<void> {
    // Before that it asks by itself, when this broker registers.
    if (this.#replicas === undefined || this.#closing !== undefined) return;
    try {
      await this.#zk.create(SequencePrefix.logDirEvent, encodeLogDirEvent(this.id), { mode: 'persistentSequential' });
    } catch (error) {
      this.#logger.warn({ error: String(error) }, 'the controller hears of failed log directories when this broker registers again');
    }
  }
}

/** Rejects with the signal's reason when it is aborted first; `work` is then nobody's. */
async function unlessStopped<T>(work: Promise<T>, stop: AbortSignal | undefined): Promise<T> {
  if (stop === undefined) return work;
  stop.throwIfAborted();
  let aborted!: () => void;
  const stopped = new Promise<never>((_, reject) => {
    aborted = () => reject(stop.reason as Error);
    stop.addEventListener('abort', aborted);
  });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    work.catch(() => {});
    stop.removeEventListener('abort', aborted);
  }
}

/** Rejects with `what` where `work` takes longer. */
async function within(work: Promise<void>, ms: number, timers: Timers, what: string): Promise<void> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = timers.after(ms, () => reject(new Error(`${what} within ${ms} ms`)));
  });
  try {
    await Promise.race([work, late]);
  } finally {
    timer?.cancel();
  }
}

