// Commands to native code, gathered over a drain and handed over in one call.

import { Command, type NativeExchange } from './exchange.js';

/** Words a single command may need at most, beside pieces and places. */
const HEADROOM = 4096;

export class Commands {
  readonly #native: NativeExchange;
  readonly #words: Float64Array;
  readonly #full: number;
  #used = 0;
  #closed = false;

  constructor(native: NativeExchange) {
    this.#native = native;
    this.#words = native.commands;
    this.#full = this.#words.length - HEADROOM;
  }

  /** An answer that lies in one arena range. */
  respond(slot: number, offset: number, length: number): void {
    const words = this.#words;
    let at = this.#used;
    words[at++] = Command.respond;
    words[at++] = slot;
    words[at++] = 1;
    words[at++] = offset;
    words[at++] = length;
    this.#advance(at);
  }

  /** An answer of arena ranges (offset, length) and file slices (slice id, -1), `pieces` pairs of them. */
  respondPieces(slot: number, pieces: Float64Array, count: number): void {
    if (this.#used + 3 + count * 2 > this.#words.length) this.flush();
    const words = this.#words;
    let at = this.#used;
    words[at++] = Command.respond;
    words[at++] = slot;
    words[at++] = count;
    for (let index = 0; index < count * 2; index++) words[at++] = pieces[index]!;
    this.#advance(at);
  }

  respondNothing(slot: number): void {
    this.#two(Command.respondNothing, slot);
  }

  fail(slot: number): void {
    this.#two(Command.fail, slot);
  }

  releaseFrame(slot: number): void {
    this.#two(Command.releaseFrame, slot);
  }

  /** Sends an arena range on a dialled connection. */
  send(connection: number, offset: number, length: number): void {
    const words = this.#words;
    let at = this.#used;
    words[at++] = Command.send;
    words[at++] = connection;
    words[at++] = offset;
    words[at++] = length;
    this.#advance(at);
  }

  /** Begins an answer that appends travel with, to some of the request's rows; `timeoutMs` -1: to be answered as soon as they are written. */
  begin(slot: number, rows: number, timeoutMs: number): void {
    const words = this.#words;
    let at = this.#used;
    words[at++] = Command.begin;
    words[at++] = slot;
    words[at++] = rows;
    words[at++] = timeoutMs;
    this.#advance(at);
  }

  /** The append of a row of the answer that was begun. */
  appendRow(slot: number, row: number, log: number, offset: number, length: number, leaderEpoch: number, flags: number, generation: number, cookie: number): void {
    const at = this.#used;
    this.#words[at] = Command.appendRow;
    this.#words[at + 1] = slot;
    this.#words[at + 2] = row;
    this.#advance(this.#operands(at + 3, log, offset, length, leaderEpoch, flags, generation, cookie));
  }

  /** What is to be answered. Behind it must follow place() for each of `rows`, before anything else. */
  answer(slot: number, offset: number, length: number, rows: number): void {
    if (this.#used + 5 + rows * 3 > this.#words.length) this.flush();
    const words = this.#words;
    let at = this.#used;
    words[at++] = Command.answer;
    words[at++] = slot;
    words[at++] = offset;
    words[at++] = length;
    words[at++] = rows;
    this.#used = at;
  }

  /** Nothing is sent once the appends have ended, with acks=0; or the connection ends. */
  endAnswer(slot: number, failed: boolean): void {
    this.answer(slot, 0, failed ? -1 : 0, 0);
    this.flushIfFull();
  }

  place(baseOffset: number, appendTime: number, startOffset: number): void {
    const words = this.#words;
    let at = this.#used;
    words[at++] = baseOffset;
    words[at++] = appendTime;
    words[at++] = startOffset;
    this.#used = at;
  }

  /** An append that no answer travels with. */
  append(log: number, offset: number, length: number, leaderEpoch: number, flags: number, generation: number, cookie: number): void {
    const at = this.#used;
    this.#words[at] = Command.append;
    this.#advance(this.#operands(at + 1, log, offset, length, leaderEpoch, flags, generation, cookie));
  }

  #operands(from: number, log: number, offset: number, length: number, leaderEpoch: number, flags: number, generation: number, cookie: number): number {
    const words = this.#words;
    let at = from;
    words[at++] = log;
    words[at++] = offset;
    words[at++] = length;
    words[at++] = leaderEpoch;
    words[at++] = flags;
    words[at++] = generation;
    words[at++] = cookie;
    return at;
  }

  /** Everything below `watermark` of a log is committed: what is parked there is answered, with error `code` if that is not 0. */
  advance(log: number, watermark: number, code: number): void {
    const words = this.#words;
    let at = this.#used;
    words[at++] = Command.advance;
    words[at++] = log;
    words[at++] = watermark;
    words[at++] = code;
    this.#advance(at);
  }

  /** The exchange is about to close: what is commanded from here on is for nobody. */
  close(): void {
    this.flush();
    this.#closed = true;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Hands over early where a further command might not fit. */
  flushIfFull(): void {
    if (this.#used > this.#full) this.flush();
  }

  /** Hands over what has gathered. */
  flush(): void {
    const used = this.#used;
    if (used === 0) return;
    this.#used = 0;
    if (!this.#closed) this.#native.flush(used);
  }

  #two(opcode: number, slot: number): void {
    const at = this.#used;
    this.#words[at] = opcode;
    this.#words[at + 1] = slot;
    this.#advance(at + 2);
  }

  #advance(used: number): void {
    this.#used = used;
    if (used > this.#full) this.flush();
  }
}
