// Produce, versions 0-11: from the frame to the logs' queues without a copy, a promise or an object per partition.
//
//   v0-2  may carry old formats, which are refused; v3 brought transactional ids; v7 zstd; v8 record errors;
//   v9    flexible encoding; v10 names the current leader (KIP-951); v11 tells of aborted transactions (KIP-890)
//
// The success answer is written first, with holes for the offsets, and travels with the appends: the log thread that
// ends the last of them fills the holes and sends it. What cannot travel so — a partition that has followers to wait for,
// a batch that has to be inflated first, an append that failed — makes the request take the long road through
// produce-wait.ts and back.

import { failure } from '../../base/failure.js';
import type { AppendOutcome, FailedAnswer } from '../../native/exchange.js';
import { NativeCode } from '../../native/codes.js';
import { Verdict } from '../../log/producer-state.js';
import type { HotRequest, HotRoute } from '../../network/route.js';
import { ErrorCode } from '../../protocol/errors.js';
import { ProduceRequestView } from '../../protocol/hot/produce.js';
import { StringPool } from '../../protocol/hot/string-pool.js';
import { ProduceResponse } from '../../protocol/messages.js';
import { ProtocolError } from '../../protocol/protocol-error.js';
import { Reader } from '../../protocol/reader.js';
import type { Partition } from '../../replication/partition.js';
import { Admission } from './admission.js';
import { appendErrorCode, logStartBeside } from './append-errors.js';
import type { HeldProduce } from './held-produce.js';
import type { Look } from './inspector.js';
import { LARGE, LargeProduce, type LargeProduceOptions } from './large-produce.js';
import { ProduceAnswer, type Encoded } from './produce-answer.js';
import { ProduceRows, PLACEHOLDER, SEEN, UNDECIDED, WANTED } from './produce-rows.js';
import { RequestsInFlight } from './requests-in-flight.js';

const FLEXIBLE_FROM = 9;
/** More than any producer sends: a mebibyte of smallest batches is 14,000. */
const MOST_PARTITIONS = 20_000;
/** acks=0 */
const NO_ANSWER: Encoded = { offset: 0, length: 0, apart: false };

export type ProduceOptions = LargeProduceOptions;

export class ProduceService implements HotRoute {
  readonly kind = 'hot';
  readonly minVersion = 0;
  readonly maxVersion = 11;
  readonly flexibleFrom = FLEXIBLE_FROM;

  readonly #options: ProduceOptions;
  readonly #names = new StringPool();
  #view = new ProduceRequestView(this.#names);
  readonly #rows = new ProduceRows();
  readonly #admission: Admission;
  readonly #answer: ProduceAnswer;
  readonly #partitions: (Partition | undefined)[] = [];
  /** Counts looks at requests: see Partition.mark. */
  #request = 0;
  readonly #inFlight: RequestsInFlight;

  constructor(options: ProduceOptions) {
    this.#options = options;
    this.#admission = new Admission(options);
    this.#answer = new ProduceAnswer(options.space, options.replicas);
    this.#inFlight = new RequestsInFlight(options.native.slotIndexMask);
  }

  serve(request: HotRequest): boolean {
    const view = this.#view;
    view.decode(this.#options.space.bytes, request.bodyStart, request.end, request.apiVersion);
    if (view.partitionCount > MOST_PARTITIONS) throw new ProtocolError(`a produce request for ${view.partitionCount} partitions`);
    if (view.partitionCount > LARGE) {
      // The view is the request's from here on.
      this.#view = new ProduceRequestView(this.#names);
      new LargeProduce(this.#options, this.#hold(request), view).serve();
      return false;
    }
    this.#rows.reset(view.partitionCount);
    return this.#proceed(request);
  }

  /** Goes on with a request that waited; rows that `preset` decides stay decided. Returns as serve() does. */
  again(request: HeldProduce, preset: (rows: ProduceRows) => void): boolean {
    const view = this.#view;
    view.decode(this.#options.space.bytes, request.bodyStart, request.end, request.apiVersion);
    this.#rows.reset(view.partitionCount);
    preset(this.#rows);
    return this.#decideAnew(request);
  }

  /** What comes behind batches that a failure before them took down waits until that is over. */
  #decideAnew(request: HeldProduce): boolean {
    this.#lookUpPartitions();
    const letGo = this.#admission.owed(this.#view, this.#partitions, request.apiVersion);
    const over = this.#proceed(request);
    if (over) letGo();
    return over;
  }

  /** The same for a request that is not to be answered any more. */
  #abandon(request: Pick<HeldProduce, 'slot' | 'apiVersion' | 'bodyStart' | 'end'>): void {
    const view = this.#view;
    view.decode(this.#options.space.bytes, request.bodyStart, request.end, request.apiVersion);
    this.#lookUpPartitions();
    this.#admission.owed(view, this.#partitions, request.apiVersion)();
    this.#options.commands.fail(request.slot);
  }

  /** Decides row by row, then answers, appends or waits. */
  #proceed(request: HeldProduce): boolean {
    const view = this.#view;
    const rows = this.#rows;
    let appends = 0;
    let wait: 'inspect' | 'in flight' | 'behind' | 'committed' | undefined;
    let inFlightOf: Partition | undefined;
    this.#admission.begin();
    this.#request++;
    for (let topic = 0; topic < view.topicCount; topic++) {
      const name = view.topic(topic);
      const partitions = this.#options.replicas.partitionsOf(name);
      const end = view.firstPartition(topic + 1);
      for (let row = view.firstPartition(topic); row < end; row++) {
        const partition = partitions?.[view.partitionIndex(row)];
        this.#partitions[row] = partition;
        if (rows.code[row] !== UNDECIDED) continue;
        const verdict = this.#admission.decide(view, rows, request, name, partition, row);
        if (this.#admission.requestRefused) {
          this.#admission.refuseAll(view, rows);
          this.#lookUpPartitions();
          this.#answerAtOnce(request);
          return true;
        }
        if (rows.code[row] !== UNDECIDED) continue;
        // Before anything is waited for: a request that waits for a row it refuses would wait again each time it goes on.
        if (partition!.mark === this.#request) {
          rows.refuse(row, ErrorCode.InvalidRequest);
          continue;
        }
        partition!.mark = this.#request;
        if (verdict === Verdict.duplicateInFlight || verdict === Verdict.behind) {
          wait = verdict === Verdict.behind ? 'behind' : 'in flight';
          inFlightOf = partition;
        }
        appends++;
        if (rows.inspected[row] === WANTED) wait ??= 'inspect';
        else if (view.acks === -1 && !partition!.commitsAlone) wait ??= 'committed';
      }
    }
    if (wait === 'in flight') return this.#waitInFlight(request, inFlightOf!);
    if (wait === 'behind') return this.#waitBehind(request, inFlightOf!);
    if (wait === 'inspect') return this.#waitInspection(request);
    if (wait === 'committed') return this.#waitCommitted(request);
    if (appends === 0) this.#answerAtOnce(request);
    else this.#append(request, appends);
    return true;
  }

  /** The usual end: one answer, its appends, and nothing kept here. */
  #append(request: HeldProduce, appends: number): void {
    const { commands } = this.#options;
    const view = this.#view;
    const answered = view.acks !== 0;
    const at = answered ? this.#encode(request) : NO_ANSWER;
    if (at === undefined) {
      // The arena is full of answers nobody has read yet. Ending the connection loses nothing that was acknowledged.
      commands.fail(request.slot);
      return;
    }
    this.#inFlight.remember(request);
    commands.answer(request.slot, at.offset, at.length, appends);
    try {
      this.#giveAppends(request, answered);
    } catch (error) {
      commands.forgetAnswer();
      this.#breakOff(request, error);
    }
    if (at.apart) {
      commands.flush();
      this.#options.space.release(at.offset);
    } else commands.flushIfFull();
    // With acks=0 nobody can be told of a refused partition but by closing; what was well is appended all the same.
    if (!answered && this.#anyRefused()) this.#options.native.closeConnection(request.connection.id);
  }

  /** What answer() announced: the places of all, then the appends. */
  #giveAppends(request: HeldProduce, answered: boolean): void {
    const { commands } = this.#options;
    const { encoder } = this.#answer;
    const view = this.#view;
    const rows = this.#rows;
    for (let row = 0; row < view.partitionCount; row++) {
      if (rows.code[row] !== UNDECIDED) continue;
      if (answered) commands.place(encoder.baseOffsetAt(row), encoder.logAppendTimeAt(row), encoder.logStartOffsetAt(row));
      else commands.place(-1, -1, -1);
    }
    for (let row = 0; row < view.partitionCount; row++) if (rows.code[row] === UNDECIDED) this.#admission.submit(view, request, this.#partitions[row]!, row, 0, true);
  }

  /**
   * The end of a request some of whose batches are with their logs already. Its frame is not given back: log threads read it,
   * and nobody hears when they have.
   */
  #breakOff(request: HeldProduce, error: unknown): void {
    this.#options.logger.error({ connection: request.connection.id, error: failure(error) }, 'closing a connection: its request failed');
    this.#options.native.closeConnection(request.connection.id);
  }

  #answerAtOnce(request: HeldProduce): void {
    const { commands, space } = this.#options;
    if (this.#view.acks === 0) {
      if (this.#anyRefused()) commands.fail(request.slot);
      else commands.respondNothing(request.slot);
      return;
    }
    const at = this.#encode(request);
    if (at === undefined) {
      commands.fail(request.slot);
      return;
    }
    commands.respond(request.slot, at.offset, at.length);
    if (at.apart) {
      commands.flush();
      space.release(at.offset);
    }
  }

  #anyRefused(): boolean {
    for (let row = 0; row < this.#view.partitionCount; row++) if (this.#rows.code[row]! > 0) return true;
    return false;
  }

  #encode(request: HeldProduce): Encoded | undefined {
    return this.#answer.encode(request.correlationId, request.apiVersion, { view: this.#view, rows: this.#rows, listener: request.connection.listener });
  }

  #hold(request: HeldProduce): HeldProduce {
    const { slot, connection, apiVersion, correlationId, clientId, aside = false, bodyStart, end } = request;
    return { slot, connection, apiVersion, correlationId, clientId, aside, bodyStart, end };
  }

  /** The same batch is on its way to the log: its fate is ours. */
  #waitInFlight(request: HeldProduce, partition: Partition): boolean {
    const held = this.#hold(request);
    const putBack = this.#rows.keep();
    // Waiting at the partition makes the end of that append heard, though its own answer goes out without us.
    const watch = { moved: (): void => {} };
    partition.wait(watch);
    partition.log!.producers.afterPending(() => {
      partition.unwait(watch);
      this.#resumed(held, putBack);
    });
    return false;
  }

  /** Earlier batches of a producer are decided anew first. */
  #waitBehind(request: HeldProduce, partition: Partition): boolean {
    const held = this.#hold(request);
    const putBack = this.#rows.keep();
    partition.log!.producers.afterOwed(() => this.#resumed(held, putBack));
    return false;
  }

  #waitInspection(request: HeldProduce): boolean {
    const held = this.#hold(request);
    const view = this.#view;
    const looks: Look[] = [];
    const putBack = this.#rows.keep();
    for (let row = 0; row < view.partitionCount; row++) {
      if (this.#rows.code[row] !== UNDECIDED || this.#rows.inspected[row] !== WANTED) continue;
      looks.push(this.#admission.look(view, request, this.#partitions[row]!, row));
    }
    this.#options.inspector.inspectAll(looks, refusals => {
      this.#resumed(held, rows => {
        putBack(rows);
        for (const look of looks) rows.inspected[look.row] = SEEN;
        for (const { row, code, logStartOffset, message, records } of refusals) {
          rows.refuse(row, code, logStartOffset, message, records);
          rows.final[row] = 1;
        }
      });
    });
    return false;
  }

  #waitCommitted(request: HeldProduce): boolean {
    const held = this.#hold(request);
    const { waits } = this.#options;
    const view = this.#view;
    const rows = this.#rows;
    const wait = waits.begin(view.timeoutMs, true);
    for (let row = 0; row < view.partitionCount; row++) {
      if (rows.code[row] !== UNDECIDED) continue;
      const partition = this.#partitions[row]!;
      try {
        const cookie = wait.add(partition, row);
        this.#admission.submit(view, request, partition, row, cookie, false);
      } catch (error) {
        this.#breakOff(held, error);
        return false;
      }
    }
    // What the others were answered stays; the rest is told by what becomes of the appends.
    for (let row = 0; row < view.partitionCount; row++) if (rows.code[row] !== UNDECIDED) rows.final[row] = 1;
    const putBack = rows.keep();
    wait.whenSettled(results => {
      this.#resumed(held, again => {
        putBack(again);
        for (const [row, result] of results) {
          if (result.again === 'stale' || (result.again === 'look' && again.wantLook(row))) continue;
          again.end(row, result.code, result.baseOffset, result.logAppendTime, result.logStartOffset);
          again.final[row] = 1;
        }
      });
    });
    return false;
  }

  #resumed(held: HeldProduce, preset: (rows: ProduceRows) => void): void {
    // The broker was closed meanwhile: there is no arena any more to read the request from.
    if (this.#options.commands.closed) return;
    try {
      if (held.connection.closed) this.#abandon(held);
      else if (!this.again(held, preset)) return;
    } catch (error) {
      this.#fail(held, error);
    }
    if (held.aside === true) this.#options.commands.flush();
    else this.#options.resume(held);
  }

  /** What went wrong with one request ends its connection, and nobody else's. None of its batches is with a log. */
  #fail(request: Pick<HeldProduce, 'slot' | 'connection' | 'apiVersion' | 'bodyStart' | 'end'>, error: unknown): void {
    this.#options.logger.error({ connection: request.connection.id, error: failure(error) }, 'closing a connection: its request failed');
    try {
      this.#abandon(request);
    } catch {
      this.#options.commands.fail(request.slot);
    }
  }

  /** A completion of kind answerFailed: some of the answer's appends did not succeed. */
  answerFailed(answer: number): void {
    const { native, space } = this.#options;
    const failed = native.failedAnswer(answer);
    const request = { ...this.#inFlight.of(failed.slot), slot: failed.slot, aside: true };
    try {
      // acks=0: an error can only be told by closing (KafkaApis.scala).
      if (failed.answer.length === 0 || request.connection.closed) {
        this.#abandon(request);
        return;
      }
      const view = this.#view;
      view.decode(space.bytes, request.bodyStart, request.end, request.apiVersion);
      this.#rows.reset(view.partitionCount);
      this.#lookUpPartitions();
      this.#presetFrom(failed, request.apiVersion);
      this.#decideAnew({ ...request, correlationId: failed.answer.readInt32BE(4) });
    } catch (error) {
      this.#fail(request, error);
    }
  }

  #lookUpPartitions(): void {
    const view = this.#view;
    for (let topic = 0; topic < view.topicCount; topic++) {
      const partitions = this.#options.replicas.partitionsOf(view.topic(topic));
      for (let row = view.firstPartition(topic); row < view.firstPartition(topic + 1); row++) this.#partitions[row] = partitions?.[view.partitionIndex(row)];
    }
  }

  /** Reads the answer that could not be sent: rows with a hole take their append's outcome, the others stay. */
  #presetFrom(failed: FailedAnswer, apiVersion: number): void {
    const rows = this.#rows;
    const answer = ProduceResponse.decode(new Reader(failed.answer, apiVersion >= FLEXIBLE_FROM ? 9 : 8), apiVersion);
    let row = 0;
    let ordinal = 0;
    for (const topic of answer.responses) {
      for (const partition of topic.partitionResponses) {
        if (partition.errorCode !== 0) rows.refuse(row, partition.errorCode, partition.logStartOffset, partition.errorMessage ?? undefined, partition.recordErrors.map(each => ({ index: each.batchIndex, message: each.batchIndexErrorMessage ?? '' })));
        else if (partition.baseOffset === PLACEHOLDER) this.#takeOutcome(row, failed.outcomes[ordinal++]!);
        else rows.settle(row, partition.baseOffset, partition.logAppendTimeMs, partition.logStartOffset);
        if (rows.code[row] !== UNDECIDED) rows.final[row] = 1;
        row++;
      }
    }
  }

  #takeOutcome(row: number, outcome: AppendOutcome): void {
    const rows = this.#rows;
    if (outcome.code === NativeCode.ok) rows.settle(row, outcome.baseOffset, outcome.logAppendTime, outcome.logStartOffset);
    else if (outcome.code !== NativeCode.staleGeneration) {
      // One that was decided before a failure in the same log was known is decided anew.
      const code = appendErrorCode(outcome.code);
      const partition = this.#partitions[row];
      if (partition === undefined) rows.refuse(row, code);
      else {
        const { message, records } = this.#options.inspector.explain(outcome.code, outcome.records, outcome.recordErrors, partition, this.#view.recordsStart(row));
        rows.refuse(row, code, logStartBeside(code, partition), message, records);
      }
    }
  }
}
