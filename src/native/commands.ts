// Commands to native code, gathered over a drain and handed over in one call.

import { Command, type NativeExchange } from './exchange.js';

/** Words a single command may need at most, beside pieces and places. */
const HEADROOM = 4096;

export class Commands {
  readonly #native: NativeExchange;
  readonly #words: Float64Array;
  readonly #full: number;
  #used = 0;
  /** Where the answer announced last begins, and its appends. */
  #answerAt = 0;
  #appendsAt = 0;
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

  /** Announces an answer; `appends` times place() and then as many append() must follow at once. */
  answer(slot: number, offset: number, length: number, appends: number): void {
    // An answer and its appends must reach native code in one flush.
    if (this.#used + 5 + appends * 11 > this.#words.length) this.flush();
    const words = this.#words;
    let at = this.#used;
    words[at++] = Command.answer;
    words[at++] = slot;
    words[at++] = offset;
    words[at++] = length;
    words[at++] = appends;
    this.#answerAt = this.#used;
    this.#appendsAt = at + appends * 3;
    this.#used = at;
  }

  /**
   * For who cannot finish what answer() announced: what follows would be read as its appends. Those that were given stay,
   * as appends that no answer waits for, because their log was told to expect them.
   */
  forgetAnswer(): void {
    const given = Math.max(this.#used - this.#appendsAt, 0);
    if (given > 0) this.#words.copyWithin(this.#answerAt, this.#appendsAt, this.#used);
    this.#used = this.#answerAt + given;
  }

  place(baseOffset: number, appendTime: number, startOffset: number): void {
    const words = this.#words;
    let at = this.#used;
    words[at++] = baseOffset;
    words[at++] = appendTime;
    words[at++] = startOffset;
    this.#used = at;
  }

  /** `answered`: one of the appends of the answer announced before, so that no flush may come between. */
  append(log: number, offset: number, length: number, leaderEpoch: number, flags: number, generation: number, cookie: number, answered: boolean): void {
    const words = this.#words;
    let at = this.#used;
    words[at++] = Command.append;
    words[at++] = log;
    words[at++] = offset;
    words[at++] = length;
    words[at++] = leaderEpoch;
    words[at++] = flags;
    words[at++] = generation;
    words[at++] = cookie;
    if (answered) this.#used = at;
    else this.#advance(at);
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
