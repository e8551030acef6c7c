// Requests of one step, gathered per broker and queued together: LeaderAndIsr, then UpdateMetadata, then StopReplica
// (ControllerBrokerRequestBatch of ControllerChannelManager.scala). What they say is read when they are queued.

import type { Clock } from '../base/clock.js';
import type { Timers } from '../base/timers.js';
import { Turns } from '../base/turns.js';
import { LeaderAndIsrRequest, StopReplicaRequest, UpdateMetadataRequest, type LeaderAndIsrResponse, type StopReplicaResponse, type UpdateMetadataResponse } from '../protocol/messages.js';
import type { BrokerSenders } from './broker-sender.js';
import type { ControllerContext, PartitionFacts } from './context.js';
import { ControlMessages, type Stop } from './control-messages.js';
import type { InterBrokerProtocol } from './request-versions.js';

/** What brokers answer; `life` is the epoch of the broker that was asked. */
export interface Heard {
  leaderAndIsr(broker: number, life: number, asked: readonly PartitionFacts[], answer: LeaderAndIsrResponse): void;
  updateMetadata(broker: number, errorCode: number): void;
  /** Of replicas of topics whose deletion began, that were to be removed. */
  stopped(broker: number, life: number, removed: readonly PartitionFacts[], answer: StopReplicaResponse): void;
}

export interface RequestBatchOptions {
  /** The controller's. */
  readonly brokerId: number;
  readonly interBrokerListener: string;
  readonly protocol: InterBrokerProtocol;
  readonly clock: Clock;
  readonly timers: Timers;
}

export class RequestBatch {
  readonly #context: ControllerContext;
  readonly #options: RequestBatchOptions;
  readonly #senders: BrokerSenders;
  readonly #heard: Heard;
  readonly #messages: ControlMessages;
  /** By broker: partitions, and whether they are new to it. */
  #leaderAndIsr = new Map<number, Map<PartitionFacts, boolean>>();
  #stops = new Map<number, Map<PartitionFacts, boolean>>();
  #told = new Set<number>();
  #metadata = new Set<PartitionFacts>();
  #held = false;

  constructor(context: ControllerContext, senders: BrokerSenders, options: RequestBatchOptions, heard: Heard) {
    this.#context = context;
    this.#options = options;
    this.#senders = senders;
    this.#heard = heard;
    this.#messages = new ControlMessages(context, options);
  }

  /** Tells these brokers about a partition's leadership, and every broker by metadata. */
  leaderAndIsr(brokers: Iterable<number>, partition: PartitionFacts, isNew: boolean): void {
    for (const broker of brokers) {
      const partitions = of(this.#leaderAndIsr, broker);
      partitions.set(partition, isNew || partitions.get(partition) === true);
    }
    this.updateMetadata([partition]);
  }

  /** Tells brokers of the brokers that live, and of all partitions that gathered. */
  updateMetadata(partitions: Iterable<PartitionFacts>, brokers: Iterable<number> = this.#context.brokers.keys()): void {
    for (const broker of brokers) this.#told.add(broker);
    for (const partition of partitions) this.#metadata.add(partition);
  }

  stopReplica(broker: number, partition: PartitionFacts, remove: boolean): void {
    const partitions = of(this.#stops, broker);
    partitions.set(partition, remove || partitions.get(partition) === true);
  }

  /** What `work` would send is sent behind it, as one: everybody is told once, and what is true by then. */
  async together(work: () => Promise<void>): Promise<void> {
    this.#held = true;
    try {
      await work();
    } finally {
      this.#held = false;
    }
    await this.send();
  }

  /** Queues what has gathered. Resolves when that is done, which waits for nobody. */
  async send(): Promise<void> {
    if (this.#held) return;
    const [leaderAndIsr, told, metadata, stops] = [this.#leaderAndIsr, this.#told, this.#metadata, this.#stops];
    this.clear();
    const turns = new Turns(this.#options.clock, this.#options.timers);
    for (const [broker, partitions] of leaderAndIsr) await this.#queueLeaderAndIsr(broker, partitions, turns);
    await this.#queueMetadata(told, metadata, turns);
    for (const [broker, partitions] of stops) this.#queueStops(broker, partitions);
  }

  clear(): void {
    this.#leaderAndIsr = new Map();
    this.#told = new Set();
    this.#metadata = new Set();
    this.#stops = new Map();
  }

  async #queueLeaderAndIsr(broker: number, partitions: ReadonlyMap<PartitionFacts, boolean>, turns: Turns): Promise<void> {
    const life = this.#context.brokers.get(broker)?.epoch;
    if (life === undefined) return;
    const message = await this.#messages.leaderAndIsr(life, partitions, turns);
    this.#senders.send(broker, {
      codec: LeaderAndIsrRequest, version: this.#options.protocol.leaderAndIsr, message,
      answered: (answer: LeaderAndIsrResponse) => this.#heard.leaderAndIsr(broker, life, [...partitions.keys()], answer),
    });
  }

  async #queueMetadata(brokers: ReadonlySet<number>, partitions: ReadonlySet<PartitionFacts>, turns: Turns): Promise<void> {
    if (brokers.size === 0) return;
    // Made once: all are told the same.
    const said = await this.#messages.metadata(partitions, turns);
    for (const broker of brokers) {
      const life = this.#context.brokers.get(broker)?.epoch;
      if (life === undefined) continue;
      this.#senders.send(broker, {
        codec: UpdateMetadataRequest, version: this.#options.protocol.updateMetadata, message: { ...this.#messages.origin(life), ...said },
        answered: (answer: UpdateMetadataResponse) => this.#heard.updateMetadata(broker, answer.errorCode),
      });
    }
  }

  #queueStops(broker: number, partitions: ReadonlyMap<PartitionFacts, boolean>): void {
    const life = this.#context.brokers.get(broker)?.epoch;
    if (life === undefined) return;
    const stops: Stop[] = [...partitions].map(([partition, remove]) => ({ partition, remove }));
    for (const { message, removed } of this.#messages.stopReplica(life, stops)) {
      this.#senders.send(broker, {
        codec: StopReplicaRequest, version: this.#options.protocol.stopReplica, message,
        answered: (answer: StopReplicaResponse) => {
          if (removed.length > 0) this.#heard.stopped(broker, life, removed, answer);
        },
      });
    }
  }
}

function of(map: Map<number, Map<PartitionFacts, boolean>>, broker: number): Map<PartitionFacts, boolean> {
  let partitions = map.get(broker);
  if (partitions === undefined) map.set(broker, (partitions = new Map()));
  return partitions;
}
