// Requests of the controller to brokers, gathered per broker and sent together (ControllerChannelManager.scala).
//
// A request goes to a broker by its channel: a socket, or for the controller's own broker a local call that ends in the
// same handler. Each broker gets its requests one after the other.

import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/logger.js';
import type { Timers } from '../base/timers.js';
import { Turns } from '../base/turns.js';
import { LeaderAndIsrRequest, StopReplicaRequest, UpdateMetadataRequest, type LeaderAndIsrRequestInput, type LeaderAndIsrResponse, type StopReplicaRequestInput, type StopReplicaResponse, type UpdateMetadataRequestInput } from '../protocol/messages.js';
import type { MessageCodec } from '../protocol/codec.js';
import { NO_LEADER, type ControllerContext, type PartitionFacts } from './context.js';

/** Sends one request and resolves with its answer; the newest version both sides speak. */
export interface BrokerChannel {
  send<Answer>(request: MessageCodec<unknown, never>, message: object): Promise<Answer>;
}

const LEADER_DURING_DELETE = -2;
const EPOCH_DURING_DELETE = -2;
/** LeaderAndIsr type: full states of this broker's replicas, or a change (KIP-866). */
const UNSPECIFIED = 0;

export interface StoppedReplica {
  readonly broker: number;
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
}

/** What a broker said of one replica that it was told the leadership of. */
export interface ReplicaAnswer {
  readonly partition: PartitionFacts;
  readonly errorCode: number;
}

/** `brokerEpoch` says which life of the broker answered. */
export type LeadershipAnswered = (broker: number, brokerEpoch: number, answers: readonly ReplicaAnswer[]) => void;

export interface BrokerRequestsOptions {
  /** The controller's. */
  readonly brokerId: number;
  readonly channel: (broker: number) => BrokerChannel | undefined;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly timers: Timers;
}

/** Partitions described between two looks at the clock. */
const DESCRIBED_AT_ONCE = 200;

export class BrokerRequests {
  readonly #context: ControllerContext;
  readonly #options: BrokerRequestsOptions;
  readonly #answered: LeadershipAnswered;
  readonly #leaderAndIsr = new Map<number, Map<PartitionFacts, boolean>>();
  readonly #stops = new Map<number, { partition: PartitionFacts; remove: boolean }[]>();
  readonly #metadata = new Map<number, Set<PartitionFacts>>();
  readonly #dropped = new Map<number, Set<PartitionFacts>>();

  constructor(context: ControllerContext, options: BrokerRequestsOptions, answered: LeadershipAnswered) {
    this.#context = context;
    this.#options = options;
    this.#answered = answered;
  }

  /** Tells a partition's replicas among `brokers` about its leadership, and every live broker by metadata. */
  leadership(partition: PartitionFacts, isNew: boolean, brokers: Iterable<number> = partition.replicas): void {
    for (const broker of brokers) if (this.#context.isLive(broker)) of(this.#leaderAndIsr, broker, () => new Map<PartitionFacts, boolean>()).set(partition, isNew);
    this.metadata([partition]);
  }

  /** Tells brokers of the brokers that live, and of `partitions`. */
  metadata(partitions: Iterable<PartitionFacts>, brokers: Iterable<number> = this.#context.brokers.keys()): void {
    const all = [...partitions];
    for (const broker of brokers) {
      const states = of(this.#metadata, broker, () => new Set<PartitionFacts>());
      for (const partition of all) states.add(partition);
    }
  }

  /** Takes partitions out of every broker's metadata. */
  dropped(partitions: Iterable<PartitionFacts>): void {
    const all = [...partitions];
    for (const broker of this.#context.brokers.keys()) {
      const states = of(this.#dropped, broker, () => new Set<PartitionFacts>());
      for (const partition of all) states.add(partition);
    }
  }

  stop(partition: PartitionFacts, broker: number, remove: boolean): void {
    if (this.#context.isLive(broker)) of(this.#stops, broker, () => []).push({ partition, remove });
  }

  /** Sends what has gathered; resolves when every broker answered, with the replicas that were asked to stop. */
  async send(): Promise<StoppedReplica[]> {
    const brokers = new Set([...this.#leaderAndIsr.keys(), ...this.#metadata.keys(), ...this.#dropped.keys(), ...this.#stops.keys()]);
    const stopped: StoppedReplica[] = [];
    const sends = [...brokers].map(broker => this.#sendTo(broker, stopped));
    this.#leaderAndIsr.clear();
    this.#metadata.clear();
    this.#dropped.clear();
    this.#stops.clear();
    await Promise.all(sends);
    return stopped;
  }

  async #sendTo(broker: number, stopped: StoppedReplica[]): Promise<void> {
    const channel = this.#options.channel(broker);
    const epoch = this.#context.brokers.get(broker)?.epoch;
    const leaders = this.#leaderAndIsr.get(broker);
    const metadata = this.#metadata.get(broker);
    const dropped = this.#dropped.get(broker);
    const stops = this.#stops.get(broker);
    if (channel === undefined || epoch === undefined) return;
    try {
      if (leaders !== undefined) this.#answered(broker, epoch, await this.#sendLeaderAndIsr(channel, epoch, leaders));
      if (metadata !== undefined || dropped !== undefined) await this.#sendMetadata(channel, epoch, metadata ?? new Set(), dropped ?? new Set());
      if (stops !== undefined) stopped.push(...(await this.#sendStops(channel, broker, epoch, stops)));
    } catch (error) {
      // The broker is gone or going: its registration ends and the failure is handled there.
      this.#options.logger.warn({ broker, error: String(error) }, 'a broker did not answer the controller');
    }
  }

  async #sendLeaderAndIsr(channel: BrokerChannel, brokerEpoch: number, partitions: Map<PartitionFacts, boolean>): Promise<ReplicaAnswer[]> {
    const leaders = new Set([...partitions.keys()].map(partition => partition.leadership?.leader ?? NO_LEADER));
    const message: LeaderAndIsrRequestInput = {
      ...this.#origin(brokerEpoch),
      type: UNSPECIFIED,
      topicStates: await this.#topicStates(partitions.keys(), partition => ({
        ...stateOf(partition), topicName: partition.topic, partitionEpoch: partition.leadership!.zkVersion, addingReplicas: [], removingReplicas: [], isNew: partitions.get(partition)!, leaderRecoveryState: partition.leadership!.recoveryState,
      })),
      liveLeaders: [...leaders].flatMap(leader => {
        const facts = this.#context.brokers.get(leader);
        const endpoint = facts?.endpoints[0];
        return endpoint === undefined ? [] : [{ brokerId: leader, hostName: endpoint.host, port: endpoint.port }];
      }),
    };
    const answer = await channel.send<LeaderAndIsrResponse>(LeaderAndIsrRequest, message);
    if (answer.errorCode !== 0) {
      this.#options.logger.warn({ errorCode: answer.errorCode }, 'a broker refused LeaderAndIsr');
      return [];
    }
    return this.#answersOf(answer, partitions.keys());
  }

  /** By topic id since version 5, by name before. */
  #answersOf(answer: LeaderAndIsrResponse, partitions: Iterable<PartitionFacts>): ReplicaAnswer[] {
    const codes = new Map<string, number>();
    for (const { topicId, partitionErrors } of answer.topics) for (const each of partitionErrors) codes.set(`${topicId} ${each.partitionIndex}`, each.errorCode);
    for (const each of answer.partitionErrors) codes.set(`${each.topicName} ${each.partitionIndex}`, each.errorCode);
    const answers: ReplicaAnswer[] = [];
    for (const partition of partitions) {
      const { topic, index } = partition;
      const errorCode = codes.get(`${this.#context.topics.get(topic)?.id} ${index}`) ?? codes.get(`${topic} ${index}`);
      if (errorCode !== undefined) answers.push({ partition, errorCode });
    }
    return answers;
  }

  async #sendMetadata(channel: BrokerChannel, brokerEpoch: number, partitions: Set<PartitionFacts>, dropped: Set<PartitionFacts>): Promise<void> {
    const known = [...partitions].filter(partition => partition.leadership !== undefined && !dropped.has(partition));
    const all = [...known, ...dropped];
    const message: UpdateMetadataRequestInput = {
      ...this.#origin(brokerEpoch),
      type: UNSPECIFIED,
      // Never a topic in two requests: who sees some of its partitions takes them for all.
      topicStates: await this.#topicStates(all, partition => ({
        ...stateOf(partition),
        ...(dropped.has(partition) ? { leader: LEADER_DURING_DELETE } : {}),
        topicName: partition.topic,
        zkVersion: partition.leadership?.zkVersion ?? 0,
        offlineReplicas: partition.replicas.filter(replica => !this.#context.isOnline(replica, partition)),
      })),
      liveBrokers: [...this.#context.brokers.values()].map(broker => ({ id: broker.id, rack: broker.rack, endpoints: broker.endpoints.map(endpoint => ({ ...endpoint })) })),
    };
    await channel.send(UpdateMetadataRequest, message);
  }

  async #sendStops(channel: BrokerChannel, broker: number, brokerEpoch: number, stops: { partition: PartitionFacts; remove: boolean }[]): Promise<StoppedReplica[]> {
    const removed = new Set(stops.filter(stop => stop.remove).map(stop => stop.partition));
    const message: StopReplicaRequestInput = {
      ...this.#origin(brokerEpoch),
      topicStates: this.#byTopic(stops.map(stop => stop.partition)).map(({ topic, partitions }) => ({
        topicName: topic,
        partitionStates: partitions.map(partition => {
          const remove = removed.has(partition);
          return { partitionIndex: partition.index, leaderEpoch: this.#context.deleting.has(partition.topic) ? EPOCH_DURING_DELETE : (partition.leadership?.leaderEpoch ?? -1), deletePartition: remove };
        }),
      })),
    };
    const answer = await channel.send<StopReplicaResponse>(StopReplicaRequest, message);
    return answer.partitionErrors.map(each => ({ broker, topic: each.topicName, partition: each.partitionIndex, errorCode: answer.errorCode !== 0 ? answer.errorCode : each.errorCode }));
  }

  #origin(brokerEpoch: number): { controllerId: number; controllerEpoch: number; brokerEpoch: number; isKRaftController: boolean } {
    return { controllerId: this.#options.brokerId, controllerEpoch: this.#context.epoch, brokerEpoch, isKRaftController: false };
  }

  /** What is said of each, by topic. Facts change in events alone, and the event that sends waits for this. */
  async #topicStates<State>(partitions: Iterable<PartitionFacts>, describe: (partition: PartitionFacts) => State): Promise<{ topicName: string; topicId: string; partitionStates: State[] }[]> {
    const turns = new Turns(this.#options.clock, this.#options.timers);
    const states: { topicName: string; topicId: string; partitionStates: State[] }[] = [];
    let described = 0;
    for (const { topic, id, partitions: some } of this.#byTopic(partitions)) {
      const partitionStates: State[] = [];
      for (const partition of some) {
        partitionStates.push(describe(partition));
        if (++described % DESCRIBED_AT_ONCE === 0) await turns.next();
      }
      states.push({ topicName: topic, topicId: id, partitionStates });
    }
    return states;
  }

  #byTopic(partitions: Iterable<PartitionFacts>): { topic: string; id: string; partitions: PartitionFacts[] }[] {
    const grouped = new Map<string, PartitionFacts[]>();
    for (const partition of partitions) of(grouped, partition.topic, () => []).push(partition);
    return [...grouped].map(([topic, some]) => ({ topic, id: this.#context.topics.get(topic)?.id ?? ZERO_ID, partitions: some }));
  }
}

const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';

function stateOf(partition: PartitionFacts): { partitionIndex: number; controllerEpoch: number; leader: number; leaderEpoch: number; isr: number[]; replicas: number[] } {
  const known = partition.leadership;
  return {
    partitionIndex: partition.index,
    controllerEpoch: known?.controllerEpoch ?? 0,
    leader: known?.leader ?? NO_LEADER,
    leaderEpoch: known?.leaderEpoch ?? 0,
    isr: [...(known?.isr ?? [])],
    replicas: [...partition.replicas],
  };
}

function of<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
