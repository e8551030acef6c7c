// Arena memory that answers are written into: one leased block at a time, handed back when it is full. Native code
// keeps what it still has to send by references of its own.

import type { Commands } from '../native/commands.js';
import type { NativeExchange } from '../native/exchange.js';

const BLOCK = 256 * 1024;

export class ResponseSpace {
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly #native: NativeExchange;
  readonly #commands: Commands;
  #block = -1;
  #at = 0;
  #end = 0;

  constructor(native: NativeExchange, commands: Commands) {
    this.#native = native;
    this.#commands = commands;
    this.bytes = Buffer.from(native.arena);
    this.view = new DataView(native.arena);
  }

  /** Where `bytes` of room begin, or -1 where the arena is full. What is not taken by commit() is given again. */
  reserve(bytes: number): number {
    if (this.#end - this.#at >= bytes) return this.#at;
    return this.#lease(bytes);
  }

  /** Copies `bytes` into the arena and has `command` say what is to become of them there. False: no room. */
  hand(bytes: Buffer, command: (offset: number) => void): boolean {
    if (bytes.length <= BLOCK) {
      const at = this.reserve(bytes.length);
      if (at < 0) return false;
      bytes.copy(this.bytes, at);
      this.commit(bytes.length);
      command(at);
      return true;
    }
    const at = this.leaseApart(bytes.length);
    if (at < 0) return false;
    bytes.copy(this.bytes, at);
    command(at);
    // The command takes its reference at flush; ours may go only after that.
    this.#commands.flush();
    this.release(at);
    return true;
  }

  /** Takes `bytes` of what reserve() gave. */
  commit(bytes: number): void {
    this.#at += bytes;
  }

  /** A block of its own for a large answer; free it with release() once the answer is handed over. */
  leaseApart(bytes: number): number {
    return this.#native.lease(bytes);
  }

  release(offset: number): void {
    this.#native.release(offset);
  }

  get blockBytes(): number {
    return BLOCK;
  }

  #lease(bytes: number): number {
    if (bytes > BLOCK) return -1;
    const block = this.#native.lease(BLOCK);
    if (block < 0) return -1;
    if (this.#block >= 0) {
      // Answers in the old block that native code has not been told of yet have no other reference than ours.
      this.#commands.flush();
      this.#native.release(this.#block);
    }
    this.#block = block;
    this.#at = block;
    this.#end = block + BLOCK;
    return block;
  }
}
