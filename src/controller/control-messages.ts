// What LeaderAndIsr, UpdateMetadata and StopReplica say, in the shape of the version they are sent in: newer ones group
// partitions by topic, older ones do not.

import type { Turns } from '../base/turns.js';
import type { LeaderAndIsrRequestInput, StopReplicaRequestInput, UpdateMetadataRequestInput } from '../protocol/messages.js';
import { LEADER_DURING_DELETE, NO_LEADER, ZERO_ID, type BrokerFacts, type ControllerContext, type PartitionFacts } from './context.js';
import type { InterBrokerProtocol } from './request-versions.js';

export interface Stop {
  readonly partition: PartitionFacts;
  /** Its log goes too. */
  readonly remove: boolean;
}

interface Origin {
  readonly controllerId: number;
  readonly controllerEpoch: number;
  readonly brokerEpoch: number;
}

interface Speaker {
  readonly brokerId: number;
  readonly interBrokerListener: string;
  readonly protocol: InterBrokerProtocol;
}

/** Partitions described between two looks at the clock. */
const DESCRIBED_AT_ONCE = 200;
const PLAINTEXT = 0;

export class ControlMessages {
  readonly #context: ControllerContext;
  readonly #speaker: Speaker;

  constructor(context: ControllerContext, speaker: Speaker) {
    this.#context = context;
    this.#speaker = speaker;
  }

  origin(brokerEpoch: number): Origin {
    return { controllerId: this.#speaker.brokerId, controllerEpoch: this.#context.epoch, brokerEpoch };
  }

  async leaderAndIsr(brokerEpoch: number, partitions: ReadonlyMap<PartitionFacts, boolean>, turns: Turns): Promise<LeaderAndIsrRequestInput> {
    const { protocol, interBrokerListener } = this.#speaker;
    const leaders = new Set<number>();
    const states = await inTurns(partitions, turns, ([partition, isNew]) => {
      const { leadership, assignment } = partition;
      leaders.add(leadership?.leader ?? NO_LEADER);
      return {
        topicName: partition.topic, partitionIndex: partition.index,
        controllerEpoch: leadership?.controllerEpoch ?? 0, leader: leadership?.leader ?? NO_LEADER, leaderEpoch: leadership?.leaderEpoch ?? 0,
        isr: [...(leadership?.isr ?? [])], partitionEpoch: leadership?.zkVersion ?? 0,
        replicas: [...assignment.replicas], addingReplicas: [...assignment.adding], removingReplicas: [...assignment.removing],
        isNew, leaderRecoveryState: protocol.leaderRecovery ? (leadership?.recoveryState ?? 0) : 0,
      };
    });
    const liveLeaders = [...leaders].flatMap(leader => {
      const endpoint = endpointOf(this.#context.brokers.get(leader), interBrokerListener);
      return endpoint === undefined ? [] : [{ brokerId: leader, hostName: endpoint.host, port: endpoint.port }];
    });
    const grouped = protocol.leaderAndIsr >= 2;
    return {
      ...this.origin(brokerEpoch), liveLeaders,
      ...(grouped ? { topicStates: this.#byTopic(states, ({ topicName }) => topicName) } : { ungroupedPartitionStates: states }),
    };
  }

  /** The part that all brokers are told alike. Partitions without a leader, and without a first one, are not spoken of. */
  async metadata(partitions: Iterable<PartitionFacts>, turns: Turns): Promise<UpdateMetadataRequestInput> {
    const { protocol } = this.#speaker;
    const led = [...partitions].filter(({ leadership }) => leadership !== undefined);
    const states = await inTurns(led, turns, partition => this.#metadataState(partition));
    const liveBrokers = [...this.#context.brokers.values()].map(broker => this.#liveBroker(broker));
    // Never a topic in two requests: who sees some of its partitions takes them for all.
    return protocol.updateMetadata >= 5
      ? { topicStates: this.#byTopic(states, ({ topicName }) => topicName), liveBrokers }
      : { ungroupedPartitionStates: states, liveBrokers };
  }

  #metadataState(partition: PartitionFacts) {
    const { topic, index, assignment } = partition;
    const known = partition.leadership!;
    const deleted = this.#context.isDeleting(partition);
    return {
      topicName: topic, partitionIndex: index, controllerEpoch: known.controllerEpoch,
      leader: deleted ? LEADER_DURING_DELETE : known.leader,
      leaderEpoch: deleted ? 0 : known.leaderEpoch,
      isr: [...known.isr], zkVersion: deleted ? 0 : known.zkVersion, replicas: [...assignment.replicas],
      offlineReplicas: assignment.replicas.filter(broker => !this.#context.isOnline(broker, partition)),
    };
  }

  #liveBroker({ id, rack, endpoints }: BrokerFacts) {
    const first = this.#speaker.protocol.updateMetadata > 0 ? undefined : endpoints.find(({ securityProtocol }) => securityProtocol === PLAINTEXT);
    const v0 = first === undefined ? {} : { v0Host: first.host, v0Port: first.port };
    return { id, rack, ...v0, endpoints: endpoints.map(({ listener, host, port, securityProtocol }) => ({ listener, host, port, securityProtocol })) };
  }

  /** Before version 3 a request either removes all its replicas or none: then there may be two. */
  stopReplica(brokerEpoch: number, stops: readonly Stop[]): { readonly message: StopReplicaRequestInput; readonly removed: readonly PartitionFacts[] }[] {
    const version = this.#speaker.protocol.stopReplica;
    const removed = stops.filter(({ remove }) => remove);
    if (version >= 3) {
      const states = stops.map(({ partition, remove }) => ({ topicName: partition.topic, partitionIndex: partition.index, leaderEpoch: this.#context.leaderEpoch(partition), deletePartition: remove }));
      const topicStates = this.#byTopic(states, ({ topicName }) => topicName).map(({ topicName, partitionStates }) => ({ topicName, partitionStates }));
      return [{ message: { ...this.origin(brokerEpoch), topicStates }, removed: removed.map(({ partition }) => partition) }];
    }
    return [removed, stops.filter(({ remove }) => !remove)].filter(some => some.length > 0).map(some => {
      const partitions = some.map(({ partition }) => ({ topicName: partition.topic, partitionIndex: partition.index }));
      const shape = version === 0
        ? { ungroupedPartitions: partitions }
        : { topics: this.#byTopic(partitions, ({ topicName }) => topicName).map(({ topicName, partitionStates }) => ({ name: topicName, partitionIndexes: partitionStates.map(each => each.partitionIndex) })) };
      const deletePartitions = some[0]!.remove;
      return { message: { ...this.origin(brokerEpoch), deletePartitions, ...shape }, removed: deletePartitions ? some.map(({ partition }) => partition) : [] };
    });
  }

  #byTopic<State>(states: readonly State[], topicOf: (state: State) => string): { topicName: string; topicId: string; partitionStates: State[] }[] {
    const topics = new Map<string, State[]>();
    for (const state of states) {
      const some = topics.get(topicOf(state));
      if (some === undefined) topics.set(topicOf(state), [state]);
      else some.push(state);
    }
    return [...topics].map(([topicName, partitionStates]) => ({ topicName, topicId: this.#context.topics.get(topicName)?.id ?? ZERO_ID, partitionStates }));
  }
}

function endpointOf(broker: BrokerFacts | undefined, listener: string) {
  return broker?.endpoints.find(endpoint => endpoint.listener === listener) ?? broker?.endpoints[0];
}

async function inTurns<Item, State>(items: Iterable<Item>, turns: Turns, describe: (item: Item) => State): Promise<State[]> {
  const states: State[] = [];
  for (const item of items) {
    states.push(describe(item));
    if (states.length % DESCRIBED_AT_ONCE === 0) await turns.next();
  }
  return states;
}
