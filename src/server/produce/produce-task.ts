// One produce request, from its frame to its answer, in steps. What was decided is kept, so that a step that has to wait, or to be taken
// again for some of the batches, goes on from there:
//
//   decide   each batch, in Kafka's order. Whatever takes the whole request down is found before any of it is written
//   submit   those that may be appended go to their logs
//   wait     for a look into a batch, the end or (acks=all) the commit of the same batch sent before, or batches of the same producer to be
//            decided first; then decide again, about those
//   answer   what is known, with holes where the logs will say offsets. It travels with the appends: native code fills the holes, waits
//            until others have the records (acks=all), and sends it. The connection is free for its next request
//   failed   some were not appended, or not committed: the answer comes back. What another batch's failure took down is decided again
//
// A request for very many partitions takes the same steps in turns that give way to everybody else. One that is answered without a wait
// allocates nothing: tasks are used again, one for each slot.

import { failure } from '../../base/failure.js';
import type { Logger } from '../../base/logger.js';
import { Deadline, type TimerWheel } from '../../base/timer-wheel.js';
import type { TurnQueue } from '../../base/turn-queue.js';
import type { Commands } from '../../native/commands.js';
import { NativeCode } from '../../native/codes.js';
import type { AppendOutcome } from '../../native/exchange.js';
import { Verdict } from '../../log/producer-state.js';
import type { Connection } from '../../network/connection.js';
import type { ResponseSpace } from '../../network/response-space.js';
import type { HotRequest } from '../../network/route.js';
import { ErrorCode } from '../../protocol/errors.js';
import { ProduceRequestView } from '../../protocol/hot/produce.js';
import type { StringPool } from '../../protocol/hot/string-pool.js';
import { ProtocolError } from '../../protocol/protocol-error.js';
import type { Partition } from '../../replication/partition.js';
import type { ReplicaManager } from '../../replication/replica-manager.js';
import type { Admission, Asker } from './admission.js';
import { appendErrorCode, logStartBeside } from './append-errors.js';
import type { Inspector, Look } from './inspector.js';
import { ProduceAnswer, type Encoded } from './produce-answer.js';
import { ProduceRows, SEEN, SUBMITTED, UNDECIDED, WANTED } from './produce-rows.js';

/** More than any producer sends: a mebibyte of smallest batches is 14,000. */
const MOST_PARTITIONS = 20_000;
/** More partitions than this are gone through in turns; a turn looks at the clock each time it has done so many. */
const LARGE = 1000;
const AT_ONCE = 128;
/** Batches that are inflated at the same time for one request. */
const INFLATED_AT_ONCE = 32;
const NOT_TO_BE_COMMITTED = -1;

/** The answer in native code: none; takes appends; came back, and takes appends when it is begun again; is on its way. */
const NONE = 0;
const OPEN = 1;
const TOLD = 2;
const CLOSED = 3;

/** What the tasks of a broker share. */
export interface ProduceShared {
  readonly commands: Commands;
  readonly space: ResponseSpace;
  readonly replicas: ReplicaManager;
  readonly inspector: Inspector;
  readonly turns: TurnQueue;
  readonly wheel: TimerWheel;
  readonly logger: Logger;
  readonly admission: Admission;
  readonly names: StringPool;
  /** For answers that are written in one step. */
  readonly answer: ProduceAnswer;
  /** The request that made its connection busy is answered or on its way: its successors may come. */
  readonly resume: (connection: Connection) => void;
  /** Settles what native code has to tell, where that is not under way. */
  readonly lookAgain: () => void;
  /** An answer that others may have to commit is on its way. */
  readonly mayWait: () => void;
}

/** Counts passes over requests: see Partition.mark. */
let passes = 0;

export class ProduceTask implements Asker {
  readonly #shared: ProduceShared;
  readonly #view: ProduceRequestView;
  readonly #rows = new ProduceRows();
  readonly #partitions: (Partition | undefined)[] = [];
  #slot = -1;
  #connection!: Connection;
  #correlationId = 0;
  apiVersion = 0;
  clientId = '';
  #native = NONE;
  /** Answered, or on its way to be. */
  #isOver = false;
  /** Its connection waits for that. */
  #held = false;
  /** Where the pass over the rows is, and up to where the topic goes that it is in. */
  #row = 0;
  #topic = 0;
  #topicEnd = 0;
  #topicName = '';
  #topicPartitions: readonly (Partition | undefined)[] | undefined;
  #pass = 0;
  /** Of a large request, between whose steps others have their turns. */
  #named: Set<Partition> | undefined;
  /** Until when it waits to be committed, and what ends that wait. */
  #commitDeadline: Deadline | undefined;
  #committed: (() => void) | undefined;
  /** Rows that the last pass left undecided. */
  #undecided = 0;

  constructor(shared: ProduceShared) {
    this.#shared = shared;
    this.#view = new ProduceRequestView(shared.names);
  }

  /** Returns as HotRoute.serve() does. */
  serve(request: HotRequest): boolean {
    const view = this.#view;
    view.decode(this.#shared.space.bytes, request.bodyStart, request.end, request.apiVersion);
    if (view.partitionCount > MOST_PARTITIONS) throw new ProtocolError(`a produce request for ${view.partitionCount} partitions`);
    this.#slot = request.slot;
    this.#connection = request.connection;
    this.#correlationId = request.correlationId;
    this.apiVersion = request.apiVersion;
    this.clientId = request.clientId;
    this.#native = NONE;
    this.#isOver = false;
    this.#held = false;
    this.#rows.reset(view.partitionCount);
    try {
      this.#decide();
    } catch (error) {
      this.#fail(error);
    }
    this.#held = !this.#isOver;
    return this.#isOver;
  }

  /** Native code could not send the answer as it is. */
  failed(outcomes: readonly AppendOutcome[]): void {
    this.#native = TOLD;
    try {
      for (const outcome of outcomes) this.#took(outcome);
      // acks=0: an error can only be told by closing (KafkaApis.scala).
      if (this.#view.acks === 0 || this.#connection.closed) this.#abandon();
      else this.#decide();
    } catch (error) {
      this.#fail(error);
    }
  }

  #took({ row, code, refusal, baseOffset, logAppendTime, logStartOffset, records, recordErrors }: AppendOutcome): void {
    const rows = this.#rows;
    if (code === NativeCode.ok) rows.end(row, refusal, baseOffset, logAppendTime, logStartOffset);
    else if (code === NativeCode.staleGeneration) {
      // Decided before a failure in the same log was known.
      rows.code[row] = UNDECIDED;
      rows.anew[row] = 1;
    } else {
      const partition = this.#partitions[row]!;
      const error = appendErrorCode(code);
      const refused = this.#shared.inspector.explain(code, records, recordErrors, partition, this.#view.recordsStart(row));
      rows.refuse(row, error, logStartBeside(error, partition), refused.message, refused.records);
    }
  }

  get #isLarge(): boolean {
    return this.#view.partitionCount > LARGE;
  }

  #decide(): void {
    this.#shared.admission.begin();
    this.#beginPass();
    if (this.#isLarge) this.#inTurns(() => this.#decideSome(AT_ONCE), () => this.#decided());
    else {
      this.#decideSome(this.#view.partitionCount);
      this.#decided();
    }
  }

  #decideSome(most: number): boolean {
    const { admission } = this.#shared;
    const end = this.#beginStep(most);
    for (; this.#row < end; this.#row++) {
      if (this.#rows.code[this.#row] !== UNDECIDED) continue;
      this.#decideRow(this.#row);
      if (admission.requestRefused) return false;
    }
    return end < this.#view.partitionCount;
  }

  #decideRow(row: number): void {
    const { admission } = this.#shared;
    const rows = this.#rows;
    const partition = this.#partitionAt(row);
    rows.verdict[row] = admission.decide(this.#view, rows, this, this.#topicName, partition, row);
    // Others of its batches are written: too late to refuse all of it.
    if (admission.requestRefused && this.#native !== NONE) admission.refuseAlone(rows, row);
    if (admission.requestRefused) return;
    if (rows.code[row] !== UNDECIDED) {
      if (rows.anew[row] === 1) this.#letGo(partition);
    } else if (this.#isNamedAgain(partition!)) rows.refuse(row, ErrorCode.InvalidRequest);
  }

  #decided(): void {
    const { admission } = this.#shared;
    if (admission.requestRefused) {
      admission.refuseAll(this.#view, this.#rows);
      this.#answer();
    } else this.#submit();
  }

  #submit(): void {
    this.#beginPass();
    this.#undecided = 0;
    if (this.#isLarge) this.#inTurns(() => this.#submitSome(AT_ONCE), () => this.#submitted());
    else {
      this.#submitSome(this.#view.partitionCount);
      this.#submitted();
    }
  }

  #submitSome(most: number): boolean {
    const { admission } = this.#shared;
    const rows = this.#rows;
    const view = this.#view;
    const end = this.#beginStep(most);
    for (; this.#row < end; this.#row++) {
      const row = this.#row;
      if (rows.code[row] !== UNDECIDED) continue;
      // Much may have happened since others had their turns.
      if (this.#isLarge) this.#decideRow(row);
      else if (view.partitionCount > 1) admission.read(view, this.apiVersion, row);
      if (admission.requestRefused) admission.refuseAlone(rows, row);
      if (rows.code[row] !== UNDECIDED) continue;
      if (rows.verdict[row] === Verdict.accept && rows.inspected[row] !== WANTED) this.#give(row, this.#partitions[row]!);
      else this.#undecided++;
    }
    return end < view.partitionCount;
  }

  #give(row: number, partition: Partition): void {
    const { commands, admission } = this.#shared;
    const view = this.#view;
    if (this.#native !== OPEN) {
      commands.begin(this.#slot, view.partitionCount, view.acks === -1 ? Math.max(0, view.timeoutMs) : NOT_TO_BE_COMMITTED);
      this.#native = OPEN;
    }
    admission.submit(view, this.#slot, partition, row);
    this.#rows.code[row] = SUBMITTED;
    this.#rows.anew[row] = 0;
  }

  #submitted(): void {
    if (this.#undecided === 0) this.#answer();
    else this.#wait();
  }

  /** For what stands in the way of the others. */
  #wait(): void {
    const rows = this.#rows;
    const { partitionCount } = this.#view;
    const behind: Partition[] = [];
    const inFlight: Partition[] = [];
    const uncommitted: Partition[] = [];
    const looks: Look[] = [];
    for (let row = 0; row < partitionCount; row++) {
      if (rows.code[row] !== UNDECIDED) continue;
      const partition = this.#partitions[row]!;
      if (rows.inspected[row] === WANTED) {
        if (looks.length < INFLATED_AT_ONCE) looks.push(this.#look(row, partition));
      } else if (rows.verdict[row] === Verdict.behind) behind.push(partition);
      else if (rows.verdict[row] === Verdict.uncommitted) uncommitted.push(partition);
      else inFlight.push(partition);
    }
    if (looks.length > 0) this.#waitForLooks(looks);
    else if (inFlight.length > 0) this.#waitInFlight(inFlight);
    else if (behind.length > 0) this.#waitBehind(behind);
    else this.#waitForCommit(uncommitted);
  }

  #look(row: number, partition: Partition): Look {
    const { size } = this.#shared.admission.read(this.#view, this.apiVersion, row);
    return { row, start: this.#view.recordsStart(row), length: size, partition };
  }

  #waitForLooks(looks: readonly Look[]): void {
    this.#shared.inspector.inspectAll(looks, refusals => this.#goOn(() => {
      for (const { row } of looks) this.#rows.inspected[row] = SEEN;
      for (const { row, code, logStartOffset, message, records } of refusals) this.#rows.refuse(row, code, logStartOffset, message, records);
    }));
  }

  /** The same batches are on their way to their logs: their fate decides about these. */
  #waitInFlight(partitions: readonly Partition[], from = 0): void {
    let at = from;
    while (at < partitions.length && !((partitions[at]!.log?.producers.inFlight ?? 0) > 0)) at++;
    if (at === partitions.length) {
      queueMicrotask(() => this.#goOn());
      return;
    }
    const partition = partitions[at]!;
    // Waiting at the partition makes the end of that append heard, though its own answer goes out without us.
    const watch = { moved: (): void => {} };
    partition.wait(watch);
    partition.log!.producers.afterPending(() => {
      partition.unwait(watch);
      this.#waitInFlight(partitions, at + 1);
    });
    // It may have ended just before anybody wanted to hear of it.
    this.#shared.lookAgain();
  }

  /** Earlier batches of a producer are decided again first. */
  #waitBehind(partitions: readonly Partition[], from = 0): void {
    let at = from;
    while (at < partitions.length && partitions[at]!.log?.producers.owes !== true) at++;
    if (at === partitions.length) queueMicrotask(() => this.#goOn());
    else partitions[at]!.log!.producers.afterOwed(() => this.#waitBehind(partitions, at + 1));
  }

  /**
   * What the request repeats is written, and not yet where it has to be: only its first sending waits in native code. Without this wait a
   * leader that is none any more would acknowledge what it alone has (Kafka's DelayedProduce takes duplicates too).
   */
  #waitForCommit(partitions: readonly Partition[]): void {
    const { wheel } = this.#shared;
    if (this.#commitDeadline === undefined) {
      this.#commitDeadline = new Deadline(() => {
        this.#rows.isLate = true;
        this.#committed?.();
      });
      wheel.add(this.#commitDeadline, Math.max(0, this.#view.timeoutMs));
    }
    const goOn = (): void => {
      this.#committed = undefined;
      for (const partition of partitions) partition.unwait(operation);
      this.#goOn();
    };
    const operation = { moved: goOn };
    this.#committed = goOn;
    for (const partition of partitions) partition.wait(operation);
  }

  /** What was waited for is there. */
  #goOn(learn?: () => void): void {
    const { commands } = this.#shared;
    // The broker was closed meanwhile: there is no arena any more to read the request from.
    if (commands.closed) return;
    try {
      learn?.();
      if (this.#connection.closed) this.#abandon();
      else this.#decide();
    } catch (error) {
      this.#fail(error);
    }
    commands.flush();
  }

  /** Everything is decided, or with its log. */
  #answer(): void {
    const { answer } = this.#shared;
    const view = this.#view;
    if (view.acks === 0) this.#end(this.#rows.anyRefused(view.partitionCount));
    else if (this.#connection.closed) this.#end(true);
    else if (this.#isLarge) {
      const own = new ProduceAnswer(this.#shared.space, this.#shared.replicas);
      own.begin(this.#correlationId, this.apiVersion, this.#answerable());
      this.#inTurns(() => own.step(AT_ONCE), () => this.#hand(own, own.end()));
    } else this.#hand(answer, answer.encode(this.#correlationId, this.apiVersion, this.#answerable()));
  }

  #answerable(): { readonly listener: string; readonly view: ProduceRequestView; readonly rows: ProduceRows } {
    return { view: this.#view, rows: this.#rows, listener: this.#connection.listener };
  }

  #hand(answer: ProduceAnswer, encoded: Encoded | undefined): void {
    const { commands, space, mayWait } = this.#shared;
    if (encoded === undefined) {
      // The arena is full of answers nobody has read yet. Ending the connection loses nothing that was acknowledged.
      this.#end(true);
      return;
    }
    if (this.#native !== NONE) {
      this.#place(answer, encoded);
      if (this.#view.acks === -1) mayWait();
    } else commands.respond(this.#slot, encoded.offset, encoded.length);
    if (encoded.apart) {
      commands.flush();
      space.release(encoded.offset);
    }
    this.#over();
  }

  #place({ encoder }: ProduceAnswer, encoded: Encoded): void {
    const { commands } = this.#shared;
    const rows = this.#rows;
    const { partitionCount } = this.#view;
    this.#native = CLOSED;
    commands.answer(this.#slot, encoded.offset, encoded.length, partitionCount);
    for (let row = 0; row < partitionCount; row++) {
      if (rows.code[row] === SUBMITTED) commands.place(encoder.baseOffsetAt(row), encoder.logAppendTimeAt(row), encoder.logStartOffsetAt(row));
      else commands.place(-1, -1, -1);
    }
    commands.flushIfFull();
  }

  /** Nothing is sent; `failed`: the connection ends. What is with its log is waited for by native code. */
  #end(failed: boolean): void {
    const { commands } = this.#shared;
    if (this.#native === OPEN || this.#native === TOLD) {
      this.#native = CLOSED;
      commands.endAnswer(this.#slot, failed);
    } else if (!this.#isOver) {
      if (failed) commands.fail(this.#slot);
      else commands.respondNothing(this.#slot);
    }
    this.#over();
  }

  #over(): void {
    if (this.#commitDeadline !== undefined) this.#shared.wheel.remove(this.#commitDeadline);
    this.#commitDeadline = undefined;
    this.#isOver = true;
    if (!this.#held) return;
    this.#held = false;
    this.#shared.resume(this.#connection);
  }

  /** It is not to be answered any more: whoever waits for its batches to be decided again need not. */
  #abandon(): void {
    const { admission } = this.#shared;
    for (let row = 0; row < this.#view.partitionCount; row++) {
      if (this.#rows.code[row] !== UNDECIDED || this.#rows.anew[row] === 0) continue;
      admission.read(this.#view, this.apiVersion, row);
      this.#letGo(this.#partitions[row]);
    }
    this.#end(true);
  }

  /** The batch whose header was read last is not appended, though it was to be decided again. */
  #letGo(partition: Partition | undefined): void {
    const { producerId, producerEpoch, firstSequence } = this.#shared.admission.header;
    partition?.log?.producers.letGo(producerId, producerEpoch, firstSequence);
  }

  /** What goes wrong with one request ends its connection, and nobody else's. */
  #fail(error: unknown): void {
    this.#shared.logger.error({ connection: this.#connection.id, error: failure(error) }, 'closing a connection: its request failed');
    try {
      this.#abandon();
    } catch {
      this.#end(true);
    }
  }

  #inTurns(step: () => boolean, done: () => void): void {
    const { commands, turns } = this.#shared;
    const guarded = (work: () => void): void => {
      if (commands.closed) return;
      work();
      commands.flush();
    };
    turns.work(() => {
      let more = false;
      guarded(() => { more = step(); });
      return more;
    }, () => guarded(done), error => guarded(() => this.#fail(error)));
  }

  #beginPass(): void {
    this.#row = 0;
    this.#topic = 0;
    this.#pass = ++passes;
    this.#named = this.#isLarge ? new Set() : undefined;
  }

  /** What is known of topics is asked for anew in each step. */
  #beginStep(most: number): number {
    this.#topicEnd = 0;
    return Math.min(this.#view.partitionCount, this.#row + most);
  }

  #partitionAt(row: number): Partition | undefined {
    const view = this.#view;
    if (row >= this.#topicEnd) {
      while (row >= view.firstPartition(this.#topic + 1)) this.#topic++;
      this.#topicEnd = view.firstPartition(this.#topic + 1);
      this.#topicName = view.topic(this.#topic);
      this.#topicPartitions = this.#shared.replicas.partitionsOf(this.#topicName);
    }
    return (this.#partitions[row] = this.#topicPartitions?.[view.partitionIndex(row)]);
  }

  #isNamedAgain(partition: Partition): boolean {
    const named = this.#named;
    if (named === undefined) {
      if (partition.mark === this.#pass) return true;
      partition.mark = this.#pass;
      return false;
    }
    if (named.has(partition)) return true;
    named.add(partition);
    return false;
  }
}
