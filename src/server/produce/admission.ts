// Whether a batch may be appended, and how it is handed to its log.

import { AppendFlag } from '../../native/exchange.js';
import type { Commands } from '../../native/commands.js';
import { IDEMPOTENT } from '../../log/partition-log.js';
import { Verdict, type ProducerStateManager } from '../../log/producer-state.js';
import type { ResponseSpace } from '../../network/response-space.js';
import { ErrorCode } from '../../protocol/errors.js';
import type { ProduceRequestView } from '../../protocol/hot/produce.js';
import type { Partition } from '../../replication/partition.js';
import type { ReplicaManager } from '../../replication/replica-manager.js';
import { BatchHeader } from './batch-header.js';
import type { ProduceRows } from './produce-rows.js';

export interface AdmissionOptions {
  readonly commands: Commands;
  readonly space: ResponseSpace;
  readonly replicas: ReplicaManager;
}

/** Whose batches they are. */
export interface Asker {
  readonly apiVersion: number;
  readonly clientId: string;
}

export class Admission {
  /** Of the batch decided about last. */
  readonly header = new BatchHeader();
  readonly #options: AdmissionOptions;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** What holds for the whole request: no transactions, no other acks than Kafka's. */
  refuseAll(view: ProduceRequestView, rows: ProduceRows): void {
    const validAcks = view.acks === 0 || view.acks === 1 || view.acks === -1;
    if (view.transactionalId === null && validAcks) return;
    for (let row = 0; row < view.partitionCount; row++) rows.refuse(row, validAcks ? ErrorCode.InvalidTxnState : ErrorCode.InvalidRequiredAcks);
  }

  /**
   * Decides a row in the order of Kafka's checks: topic known, records, leadership, min ISR, producer state. One that is
   * left UNDECIDED may be appended, unless the verdict is to wait.
   */
  decide(view: ProduceRequestView, rows: ProduceRows, asker: Asker, topic: string, partition: Partition | undefined, row: number): Verdict {
    const header = this.header;
    const leads = partition !== undefined && partition.role === 'leader';
    const known = leads || this.#options.replicas.metadata.has(topic, view.partitionIndex(row));
    if (!known) {
      rows.refuse(row, ErrorCode.UnknownTopicOrPartition);
      return Verdict.accept;
    }
    const malformed = header.read(this.#options.space.view, view.recordsStart(row), view.recordsLength(row), asker.apiVersion);
    if (malformed !== ErrorCode.None) {
      rows.refuse(row, malformed, header.problem);
      return Verdict.accept;
    }
    if (!leads) rows.refuse(row, partition?.offline ? ErrorCode.KafkaStorageError : ErrorCode.NotLeaderOrFollower);
    else if (header.transactional) rows.refuse(row, ErrorCode.InvalidTxnState, 'The producer attempted a transactional operation in an invalid state.');
    else if (partition.internal && asker.clientId !== '__admin_client') rows.refuse(row, ErrorCode.InvalidTopicException, `Cannot append to internal topic ${topic}`);
    else if (partition.log === undefined) rows.refuse(row, ErrorCode.KafkaStorageError);
    else if (!partition.log.isOpen) rows.refuse(row, ErrorCode.NotLeaderOrFollower);
    else if (view.acks === -1 && partition.underMinIsr) rows.refuse(row, ErrorCode.NotEnoughReplicas);
    else if (header.producerId >= 0) return this.#decideSequence(rows, partition, row);
    return Verdict.accept;
  }

  #decideSequence(rows: ProduceRows, partition: Partition, row: number): Verdict {
    const { producers, startOffset } = partition.log!;
    const header = this.header;
    const verdict = producers.check(header.producerId, header.producerEpoch, header.firstSequence, header.lastSequence, header.transactional);
    switch (verdict) {
      case Verdict.accept:
      case Verdict.duplicateInFlight:
      case Verdict.behind:
        break;
      case Verdict.duplicate:
        rows.settle(row, producers.duplicateOffset, producers.duplicateTimestamp, startOffset);
        break;
      case Verdict.invalidEpoch:
        rows.refuse(row, ErrorCode.InvalidProducerEpoch);
        break;
      case Verdict.outOfOrder:
        rows.refuse(row, ErrorCode.OutOfOrderSequenceNumber);
        break;
      default:
        rows.refuse(row, ErrorCode.InvalidTxnState);
    }
    return verdict;
  }

  /** Gives one batch to its log: with the answer that was announced before, or with a cookie to whoever waits for it. */
  submit(view: ProduceRequestView, asker: Asker, partition: Partition, row: number, cookie: number, answered: boolean): void {
    const header = this.header;
    const log = partition.log!;
    header.read(this.#options.space.view, view.recordsStart(row), view.recordsLength(row), asker.apiVersion);
    let generation = 0;
    let marks = cookie;
    if (header.producerId >= 0) {
      log.producers.prepare(header.producerId, header.producerEpoch, header.firstSequence, header.lastSequence, header.transactional);
      generation = log.generation;
      marks |= IDEMPOTENT;
    }
    const flags = partition.appendFlags | (answered ? 0 : AppendFlag.notify);
    this.#options.commands.append(log.index, view.recordsStart(row), view.recordsLength(row), partition.leaderEpoch, flags, generation, marks, answered);
  }

  /**
   * Which of the request's batches others wait for to be decided anew, read while its bytes are there. What is answered is
   * to be called when nothing more is decided about them.
   */
  owed(view: ProduceRequestView, partitions: readonly (Partition | undefined)[], apiVersion: number): () => void {
    const { header } = this;
    const all: { producers: ProducerStateManager; id: number; epoch: number; firstSequence: number }[] = [];
    for (let row = 0; row < view.partitionCount; row++) {
      const producers = partitions[row]?.log?.producers;
      if (producers?.owes !== true) continue;
      if (header.read(this.#options.space.view, view.recordsStart(row), view.recordsLength(row), apiVersion) !== ErrorCode.None) continue;
      all.push({ producers, id: header.producerId, epoch: header.producerEpoch, firstSequence: header.firstSequence });
    }
    return () => { for (const { producers, id, epoch, firstSequence } of all) producers.letGo(id, epoch, firstSequence); };
  }
}
