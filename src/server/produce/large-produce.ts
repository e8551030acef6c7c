// A produce request for very many partitions, served in turns that give way to everybody else. Its connection waits until
// it is answered, so that nothing that came later overtakes it. Each batch is decided about and handed to its log in one
// step; what cannot be handed over yet, because the same batch is in flight or because a failure in the log was not known
// when it was decided, is decided anew once the others have ended.

import { failure } from '../../base/failure.js';
import type { Logger } from '../../base/logger.js';
import type { TurnQueue } from '../../base/turn-queue.js';
import type { Commands } from '../../native/commands.js';
import type { NativeExchange } from '../../native/exchange.js';
import { Verdict } from '../../log/producer-state.js';
import type { ResponseSpace } from '../../network/response-space.js';
import { ErrorCode } from '../../protocol/errors.js';
import type { ProduceRequestView } from '../../protocol/hot/produce.js';
import type { Partition } from '../../replication/partition.js';
import type { ReplicaManager } from '../../replication/replica-manager.js';
import { Admission } from './admission.js';
import type { HeldProduce } from './held-produce.js';
import type { Inspector, Look } from './inspector.js';
import { ProduceAnswer } from './produce-answer.js';
import { ProduceRows, SEEN, UNDECIDED, WANTED } from './produce-rows.js';
import type { ProduceResult, ProduceWaits } from './produce-wait.js';

/** More partitions than this are gone through in turns; a turn looks at the clock each time it has done so many. */
export const LARGE = 1000;
const AT_ONCE = 128;
/** Batches that are inflated at the same time for one request. */
const INFLATED_AT_ONCE = 32;

export interface LargeProduceOptions {
  readonly native: NativeExchange;
  readonly commands: Commands;
  readonly space: ResponseSpace;
  readonly replicas: ReplicaManager;
  readonly inspector: Inspector;
  readonly waits: ProduceWaits;
  readonly turns: TurnQueue;
  readonly logger: Logger;
  /** The request that made its connection busy is answered or on its way: its successors may come. */
  readonly resume: (request: HeldProduce) => void;
}

export class LargeProduce {
  readonly #options: LargeProduceOptions;
  readonly #request: HeldProduce;
  readonly #view: ProduceRequestView;
  readonly #rows = new ProduceRows();
  readonly #admission: Admission;
  readonly #partitions: (Partition | undefined)[] = [];
  /** Which row names a partition: a second one is refused. */
  readonly #named = new Map<Partition, number>();
  /** Batches are with their logs. */
  #appending = false;
  #over = false;

  /** `view` is the request's own and has decoded it. */
  constructor(options: LargeProduceOptions, request: HeldProduce, view: ProduceRequestView) {
    this.#options = options;
    this.#request = request;
    this.#view = view;
    this.#admission = new Admission(options);
  }

  serve(): void {
    this.#rows.reset(this.#view.partitionCount);
    this.#inspect();
  }

  /** What is to be looked into comes first, a few at a time. */
  #inspect(from = 0): void {
    const rows = this.#rows;
    const view = this.#view;
    const looks: Look[] = [];
    let next = from;
    this.#eachRow(from, (row, topic, partition) => {
      this.#decide(row, topic, partition);
      if (this.#admission.requestRefused) return false;
      if (rows.code[row] !== UNDECIDED) return true;
      if (rows.inspected[row] === WANTED) looks.push(this.#admission.look(view, this.#request, partition!, row));
      next = row + 1;
      return looks.length < INFLATED_AT_ONCE;
    }, () => {
      if (this.#admission.requestRefused) {
        this.#refuseAll();
        return;
      }
      if (looks.length === 0) {
        this.#append();
        return;
      }
      this.#options.inspector.inspectAll(looks, refusals => this.#guarded(() => {
        if (this.#options.commands.closed) return;
        for (const { row } of looks) rows.inspected[row] = SEEN;
        for (const { row, code, logStartOffset, message, records } of refusals) rows.refuse(row, code, logStartOffset, message, records);
        if (looks.length === INFLATED_AT_ONCE) this.#inspect(next);
        else this.#append();
      }));
    });
  }

  #append(): void {
    const rows = this.#rows;
    const view = this.#view;
    const wait = this.#options.waits.begin(view.timeoutMs, view.acks === -1);
    const inFlight: Partition[] = [];
    const behind: Partition[] = [];
    this.#appending = true;
    this.#eachRow(0, (row, topic, partition) => {
      const verdict = this.#decide(row, topic, partition);
      if (verdict === Verdict.duplicateInFlight) inFlight.push(partition!);
      else if (verdict === Verdict.behind) behind.push(partition!);
      else if (rows.code[row] === UNDECIDED && rows.inspected[row] !== WANTED) this.#admission.submit(view, this.#request, partition!, row, wait.add(partition!, row), false);
      return true;
    }, () => wait.whenSettled(results => this.#guarded(() => {
      this.#appending = false;
      for (const [row, result] of results) this.#settle(row, result);
      this.#afterInFlight(inFlight, behind);
    })));
  }

  /** Called back from a log or an inflater: what goes wrong here is this request's alone. */
  #guarded(go: () => void): void {
    try {
      if (!this.#over) go();
    } catch (error) {
      this.#options.logger.error({ connection: this.#request.connection.id, error: failure(error) }, 'closing a connection: its request failed');
      this.#break();
    }
  }

  #break(): void {
    if (this.#over) return;
    this.#over = true;
    const { commands, native, resume } = this.#options;
    const request = this.#request;
    try {
      this.#admission.owed(this.#view, this.#partitions, request.apiVersion)();
    } finally {
      // Log threads may still read the frame, and nobody will hear when they have: it is not given back then.
      if (this.#appending) native.closeConnection(request.connection.id);
      else commands.fail(request.slot);
      commands.flush();
      resume(request);
    }
  }

  #settle(row: number, result: ProduceResult): void {
    if (result.again === 'stale' || (result.again === 'look' && this.#rows.wantLook(row))) return;
    this.#rows.end(row, result.code, result.baseOffset, result.logAppendTime, result.logStartOffset);
  }

  /** What was in flight has an end, and with it the rows that repeat it. */
  #afterInFlight(partitions: readonly Partition[], behind: readonly Partition[]): void {
    const [partition, ...others] = partitions;
    if (partition === undefined) {
      const producers = behind[0]?.log?.producers;
      if (producers?.owes === true) producers.afterOwed(() => this.#guarded(() => this.#inspect()));
      else if (this.#anyUndecided()) this.#inspect();
      else this.#answer();
      return;
    }
    if (partition.log === undefined) {
      this.#afterInFlight(others, behind);
      return;
    }
    // Waiting at the partition makes the end of that append heard, though its own answer goes out without us.
    const watch = { moved: (): void => {} };
    partition.wait(watch);
    partition.log.producers.afterPending(() => {
      partition.unwait(watch);
      this.#guarded(() => this.#afterInFlight(others, behind));
    });
  }

  /** Nothing is with a log yet. Those that were not gone through have no partition here, and need none. */
  #refuseAll(): void {
    this.#admission.refuseAll(this.#view, this.#rows);
    this.#answer();
  }

  #answer(): void {
    const { commands, space, turns, resume } = this.#options;
    const request = this.#request;
    if (commands.closed) return;
    this.#admission.owed(this.#view, this.#partitions, request.apiVersion)();
    if (request.connection.closed || (this.#view.acks === 0 && this.#anyRefused())) commands.fail(request.slot);
    else if (this.#view.acks === 0) commands.respondNothing(request.slot);
    else {
      const answer = new ProduceAnswer(space, this.#options.replicas);
      answer.begin(request.correlationId, request.apiVersion, { view: this.#view, rows: this.#rows, listener: request.connection.listener });
      turns.work(() => answer.step(AT_ONCE), () => {
        const encoded = answer.end();
        if (encoded === undefined) commands.fail(request.slot);
        else {
          commands.respond(request.slot, encoded.offset, encoded.length);
          commands.flush();
          if (encoded.apart) space.release(encoded.offset);
        }
        this.#over = true;
        resume(request);
      }, () => this.#break());
      return;
    }
    commands.flush();
    this.#over = true;
    resume(request);
  }

  /** Calls for the rows from `from` on, in turns and as long as it is answered true, then `done`. */
  #eachRow(from: number, call: (row: number, topic: string, partition: Partition | undefined) => boolean, done: () => void): void {
    const { commands, replicas, turns } = this.#options;
    const view = this.#view;
    let row = from;
    let topic = 0;
    let wanted = true;
    turns.work(() => {
      for (const end = Math.min(view.partitionCount, row + AT_ONCE); wanted && row < end; row++) {
        while (row >= view.firstPartition(topic + 1)) topic++;
        const name = view.topic(topic);
        const partition = replicas.find(name, view.partitionIndex(row));
        this.#partitions[row] = partition;
        if (this.#rows.code[row] === UNDECIDED) wanted = call(row, name, partition);
      }
      commands.flush();
      return wanted && row < view.partitionCount;
    }, done, () => this.#break());
  }

  #decide(row: number, topic: string, partition: Partition | undefined): Verdict {
    const verdict = this.#admission.decide(this.#view, this.#rows, this.#request, topic, partition, row);
    if (this.#rows.code[row] !== UNDECIDED || partition === undefined) return verdict;
    const namedBy = this.#named.get(partition) ?? row;
    if (namedBy === row) {
      this.#named.set(partition, row);
      return verdict;
    }
    this.#rows.refuse(row, ErrorCode.InvalidRequest);
    return Verdict.accept;
  }

  #anyUndecided(): boolean {
    return this.#anyRow(code => code === UNDECIDED);
  }

  #anyRefused(): boolean {
    return this.#anyRow(code => code > 0);
  }

  #anyRow(holds: (code: number) => boolean): boolean {
    for (let row = 0; row < this.#view.partitionCount; row++) if (holds(this.#rows.code[row]!)) return true;
    return false;
  }
}
