const WORD = 0x1_0000_0000;

/** The bytes are not what their sender said they are. Ends the connection. */
export class JuteError extends Error {
  override readonly name = 'JuteError';
}

/** Reads jute's binary form. No length is believed before the bytes behind it are known to be there. */
export class JuteReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, start = 0) {
    this.#bytes = bytes;
    this.#at = start;
  }

  get position(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  int32(): number {
    this.#need(4);
    const value = this.#bytes.readInt32BE(this.#at);
    this.#at += 4;
    return value;
  }

  /** Exact to 2^53. */
  int64(): number {
    this.#need(8);
    const value = this.#bytes.readInt32BE(this.#at) * WORD + this.#bytes.readUInt32BE(this.#at + 4);
    this.#at += 8;
    return value;
  }

  long(): bigint {
    this.#need(8);
    const value = this.#bytes.readBigInt64BE(this.#at);
    this.#at += 8;
    return value;
  }

  bool(): boolean {
    this.#need(1);
    return this.#bytes[this.#at++] !== 0;
  }

  /** A view on the packet, which is a view on what the socket read: copy what is kept. */
  buffer(): Buffer | null {
    const length = this.int32();
    if (length === -1) return null;
    if (length < 0) throw new JuteError(`a length of ${length}`);
    this.#need(length);
    const value = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return value;
  }

  /** Null reads as empty: no field here tells them apart. */
  string(): string {
    return this.buffer()?.toString('utf8') ?? '';
  }

  vector<T>(smallestElement: number, read: () => T): T[] {
    const count = this.int32();
    if (count === -1) return [];
    if (count < 0 || count * smallestElement > this.remaining) throw new JuteError(`a vector of ${count}`);
    return Array.from({ length: count }, read);
  }

  strings(): string[] {
    return this.vector(4, () => this.string());
  }

  #need(count: number): void {
    if (count > this.remaining) throw new JuteError(`${count} bytes wanted, ${this.remaining} there`);
  }
}
