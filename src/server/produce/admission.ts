// Whether a batch may be appended, and how it is handed to its log.

import type { Commands } from '../../native/commands.js';
import { IDEMPOTENT } from '../../log/partition-log.js';
import { Verdict } from '../../log/producer-state.js';
import type { ResponseSpace } from '../../network/response-space.js';
import { ErrorCode } from '../../protocol/errors.js';
import type { ProduceRequestView } from '../../protocol/hot/produce.js';
import type { Partition } from '../../replication/partition.js';
import type { ReplicaManager } from '../../replication/replica-manager.js';
import { BatchHeader } from './batch-header.js';
import { NO_LOG_START, type ProduceRows } from './produce-rows.js';

export interface AdmissionOptions {
  readonly commands: Commands;
  readonly space: ResponseSpace;
  readonly replicas: ReplicaManager;
}

/** Kafka's own topics take records from this client alone. */
const ADMIN_CLIENT = '__admin_client';
const NO_OFFSET = -1;
/** Oldest version whose records Kafka looks at before it looks for somebody to append them (ProduceRequest.validateRecords). */
const RECORDS_CHECKED_FROM = 3;
const SEQUENCE_ERRORS = new Map<Verdict, number>([
  [Verdict.invalidEpoch, ErrorCode.InvalidProducerEpoch],
  [Verdict.outOfOrder, ErrorCode.OutOfOrderSequenceNumber],
  [Verdict.invalidTransactionState, ErrorCode.InvalidTxnState],
]);

/** Whose batches they are. */
export interface Asker {
  readonly apiVersion: number;
  readonly clientId: string;
}

export class Admission {
  /** Of the batch decided about last. */
  readonly header = new BatchHeader();
  /** What was decided about last takes the whole request down. */
  requestRefused = false;
  #requestError: number = ErrorCode.None;
  readonly #options: AdmissionOptions;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Before the batches of another request. */
  begin(): void {
    this.requestRefused = false;
  }

  /** What Kafka answers where it stumbles over one batch before it looks at the partitions: the same for all of them. */
  refuseAll(view: ProduceRequestView, rows: ProduceRows): void {
    for (let row = 0; row < view.partitionCount; row++) rows.refuse(row, this.#requestError, NO_LOG_START, this.header.message);
  }

  /** The same for one of them, where the others can no longer be refused. */
  refuseAlone(rows: ProduceRows, row: number): void {
    this.requestRefused = false;
    rows.refuse(row, this.#requestError, NO_LOG_START, this.header.message);
  }

  /**
   * Decides a row in the order of Kafka's checks: topic known, records, acks, leadership, min ISR, producer state. One that is
   * left UNDECIDED may be appended, unless the verdict is to wait or the row is to be looked into first. Where
   * `requestRefused` is set afterwards, the answer is refuseAll()'s.
   */
  decide(view: ProduceRequestView, rows: ProduceRows, asker: Asker, topic: string, partition: Partition | undefined, row: number): Verdict {
    const header = this.header;
    const leads = partition !== undefined && partition.role === 'leader';
    const malformed = header.read(this.#options.space.view, view.recordsStart(row), view.recordsLength(row), asker.apiVersion);
    const unauthorized = header.transactional && view.transactionalId === null;
    if (header.refusesRequest || unauthorized) {
      this.requestRefused = true;
      this.#requestError = unauthorized ? ErrorCode.TransactionalIdAuthorizationFailed : malformed;
    } else if (!(leads ? partition.known : this.#options.replicas.metadata.has(topic, view.partitionIndex(row)))) rows.refuse(row, ErrorCode.UnknownTopicOrPartition);
    else if (header.refusesRequestIfKnown) {
      this.requestRefused = true;
      this.#requestError = malformed;
    } else if (malformed !== ErrorCode.None && asker.apiVersion >= RECORDS_CHECKED_FROM) rows.refuse(row, malformed);
    else if (header.transactional && header.producerId >= 0) rows.refuse(row, ErrorCode.InvalidTxnState, NO_LOG_START, 'Partition was not added to the transaction');
    else if (view.acks !== 0 && view.acks !== 1 && view.acks !== -1) rows.refuse(row, ErrorCode.InvalidRequiredAcks);
    else if (partition?.internal === true && asker.clientId !== ADMIN_CLIENT) rows.refuse(row, ErrorCode.InvalidTopicException);
    else if (!leads) rows.refuse(row, partition?.offline ? ErrorCode.KafkaStorageError : ErrorCode.NotLeaderOrFollower);
    else if (partition.log === undefined) rows.refuse(row, ErrorCode.KafkaStorageError);
    else if (!partition.log.isOpen) rows.refuse(row, ErrorCode.NotLeaderOrFollower);
    else if (view.acks === -1 && partition.underMinIsr) rows.refuse(row, ErrorCode.NotEnoughReplicas, partition.log.startOffset);
    else if (malformed !== ErrorCode.None) rows.refuse(row, malformed);
    else if (header.size === 0) rows.settle(row, NO_OFFSET, -1, partition.log.startOffset);
    else {
      if (header.producerId >= 0) return this.#decideSequence(rows, partition, row, view.acks);
    }
    return Verdict.accept;
  }

  /** Kafka looks at the sequence last: what else is wrong with a batch that is not to be appended is found first. */
  #decideSequence(rows: ProduceRows, partition: Partition, row: number, acks: number): Verdict {
    const { producers, startOffset } = partition.log!;
    const header = this.header;
    const verdict = producers.check(header.producerId, header.producerEpoch, header.firstSequence, header.lastSequence, header.transactional);
    if (verdict === Verdict.accept || verdict === Verdict.duplicateInFlight || verdict === Verdict.behind) return verdict;
    if (rows.wantLook(row)) return Verdict.accept;
    if (verdict === Verdict.duplicate && acks === -1 && !partition.commitsAlone && producers.duplicateLastOffset >= partition.highWatermark) {
      if (!rows.isLate) return Verdict.uncommitted;
      rows.end(row, ErrorCode.RequestTimedOut, producers.duplicateOffset, producers.duplicateTimestamp, startOffset);
      return verdict;
    }
    if (verdict === Verdict.duplicate) rows.settle(row, producers.duplicateOffset, producers.duplicateTimestamp, startOffset);
    else rows.refuse(row, SEQUENCE_ERRORS.get(verdict)!, startOffset);
    return verdict;
  }

  /** The batch of a row, for who comes back to it. */
  read(view: ProduceRequestView, apiVersion: number, row: number): BatchHeader {
    this.header.read(this.#options.space.view, view.recordsStart(row), view.recordsLength(row), apiVersion);
    return this.header;
  }

  /** Gives a batch to its log, as a row of the answer that was begun for its request. Its header is the one that was read last. */
  submit(view: ProduceRequestView, slot: number, partition: Partition, row: number): void {
    const header = this.header;
    const log = partition.log!;
    let generation = 0;
    let marks = 0;
    if (header.producerId >= 0) {
      log.producers.prepare(header.producerId, header.producerEpoch, header.firstSequence, header.lastSequence, header.transactional);
      generation = log.generation;
      marks = IDEMPOTENT;
    }
    this.#options.commands.appendRow(slot, row, log.index, view.recordsStart(row), header.size, partition.leaderEpoch, partition.appendFlags, generation, marks);
  }
}
