// Topic names and ids come again and again. A pool gives the string that it made for the same bytes before, so that a
// steady stream of requests makes none, and a Map finds its key by identity.

const LONGEST = 255;

interface Entry {
  bytes: Uint8Array;
  text: string;
}

/**
 * Remembers one string per slot; another with the same slot takes its place. So memory is bounded, whatever names
 * clients make up.
 */
export class StringPool {
  readonly #slots: (Entry | undefined)[];
  readonly #mask: number;
  readonly #encoding: 'utf8' | 'base64url';

  constructor(encoding: 'utf8' | 'base64url' = 'utf8', slots = 1024) {
    this.#slots = Array.from<Entry | undefined>({ length: slots });
    this.#mask = slots - 1;
    this.#encoding = encoding;
  }

  /** The string of `bytes[start, start + length)`. */
  get(bytes: Buffer, start: number, length: number): string {
    if (length === 0) return '';
    if (length > LONGEST) return bytes.toString(this.#encoding, start, start + length);
    const slot = hash(bytes, start, length) & this.#mask;
    const entry = this.#slots[slot];
    if (entry !== undefined && equal(entry.bytes, bytes, start, length)) return entry.text;
    const text = bytes.toString(this.#encoding, start, start + length);
    this.#slots[slot] = { bytes: Uint8Array.prototype.slice.call(bytes, start, start + length), text };
    return text;
  }
}

// FNV-1a; who makes names collide only makes their strings anew.
function hash(bytes: Uint8Array, start: number, length: number): number {
  let value = 0x811c9dc5;
  for (let at = start; at < start + length; at++) value = Math.imul(value ^ bytes[at]!, 0x01000193);
  return value ^ (value >>> 15);
}

function equal(known: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
  if (known.length !== length) return false;
  for (let at = 0; at < length; at++) if (known[at] !== bytes[start + at]) return false;
  return true;
}
