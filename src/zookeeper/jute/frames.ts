import { JuteError } from './reader.js';

/** Cuts a byte stream into packets. A packet that arrived whole is a view; only one that was split is copied, once. */
export class FrameSplitter {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #held = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Calls `onFrame` for each packet that `chunk` completes. `onFrame` answers false to stop: the rest waits for the next call. */
  push(chunk: Buffer, onFrame: (frame: Buffer) => boolean): void {
    let bytes = this.#joined(chunk);
    while (bytes !== undefined && bytes.length >= 4) {
      const length = bytes.readInt32BE(0);
      if (length < 0 || length > this.#maxBytes) throw new JuteError(`a packet of ${length} bytes`);
      if (bytes.length < 4 + length) break;
      const goOn = onFrame(bytes.subarray(4, 4 + length));
      bytes = bytes.subarray(4 + length);
      if (!goOn) break;
    }
    if (bytes !== undefined && bytes.length > 0) this.#hold(bytes);
  }

  #hold(bytes: Buffer): void {
    this.#parts.push(bytes);
    this.#held += bytes.length;
  }

  /** Everything held and `chunk` as one, once that can be a packet. Joining at every chunk would copy a large one often. */
  #joined(chunk: Buffer): Buffer | undefined {
    const first = this.#parts[0];
    if (first === undefined) return chunk;
    const known = first.length >= 4 ? first.readInt32BE(0) + 4 : 4;
    if (known >= 4 && known - 4 <= this.#maxBytes && this.#held + chunk.length < known) {
      this.#hold(chunk);
      return undefined;
    }
    const joined = Buffer.concat([...this.#parts, chunk]);
    this.#parts = [];
    this.#held = 0;
    return joined;
  }
}
