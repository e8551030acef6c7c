// The four codecs of record batches, off the main isolate and with a bound on what comes out. Who inflates is each
// codec's own package; the framing that Kafka's clients put around snappy and lz4 is read here.

import { createRequire } from 'node:module';
import { gunzip } from 'node:zlib';
import { endOfMembers } from './gzip-members.js';
import { InflateError } from './inflate-error.js';
import { lz4Frame } from './lz4-frame.js';
import { snappyBlocks } from './snappy-frame.js';
import { ZstdWorker } from './zstd-worker.js';

export const Codec = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

interface Snappy {
  uncompress(block: Buffer, options: { asBuffer: true }): Promise<Buffer>;
}

interface Lz4 {
  decompressFrame(frame: Buffer): Promise<Buffer>;
}

const require = createRequire(import.meta.url);
/** Inflations under way at once: each may hold its whole output. */
const AT_ONCE = 2;

/** Inflates. Close it with the broker. */
export class Codecs {
  #zstd: ZstdWorker | undefined;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /**
   * The plain bytes of `bytes`, which must stay as they are until then. Rejects with InflateError where they are
   * damaged, or would be more than `limit`.
   */
  async inflate(codec: number, bytes: Buffer, limit: number): Promise<Buffer> {
    if (this.#running >= AT_ONCE) await new Promise<void>(resolve => this.#waiting.push(resolve));
    this.#running++;
    try {
      return await this.#inflate(codec, bytes, limit);
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  async close(): Promise<void> {
    await this.#zstd?.close();
  }

  #inflate(codec: number, bytes: Buffer, limit: number): Promise<Buffer> {
    switch (codec) {
      case Codec.none: return Promise.resolve(bytes);
      case Codec.gzip: return inflateGzip(bytes, limit);
      case Codec.snappy: return inflateSnappy(bytes, limit);
      case Codec.lz4: return inflateLz4(bytes, limit);
      // No frame at all is no fault of the codec's.
      case Codec.zstd: return bytes.length === 0 ? Promise.resolve(bytes) : (this.#zstd ??= new ZstdWorker()).inflate(bytes, limit);
      default: return Promise.reject(new InflateError(`there is no compression type ${codec}`));
    }
  }
}

async function inflateGzip(bytes: Buffer, limit: number): Promise<Buffer> {
  try {
    return await gunzipAll(bytes, limit);
  } catch (error) {
    // What is wrong may lie behind the last member, where nobody looks.
    const end = (error as InflateError).tooLarge ? bytes.length : await endOfMembers(bytes, limit);
    if (end === bytes.length) throw error;
    return gunzipAll(bytes.subarray(0, end), limit);
  }
}

function gunzipAll(bytes: Buffer, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    gunzip(bytes, { maxOutputLength: limit }, (error, plain) => {
      if (error === null) resolve(plain);
      else reject(inflateError('gzip', error));
    });
  });
}

function inflateError(codec: string, error: NodeJS.ErrnoException): InflateError {
  return new InflateError(`${codec}: ${error.message}`, error.code === 'ERR_BUFFER_TOO_LARGE');
}

async function inflateSnappy(bytes: Buffer, limit: number): Promise<Buffer> {
  const snappy = require('snappy') as Snappy;
  const { blocks, plainBytes } = snappyBlocks(bytes);
  if (plainBytes > limit) throw new InflateError(`snappy: ${plainBytes} bytes are more than ${limit}`, true);
  try {
    const plain: Buffer[] = [];
    for (const block of blocks) plain.push(await snappy.uncompress(block, { asBuffer: true }));
    return plain.length === 1 ? plain[0]! : Buffer.concat(plain);
  } catch (error) {
    throw new InflateError(`snappy: ${(error as Error).message}`);
  }
}

async function inflateLz4(bytes: Buffer, limit: number): Promise<Buffer> {
  const { frame, mostBytes } = lz4Frame(bytes);
  if (mostBytes > limit) throw new InflateError(`lz4: may become more than ${limit} bytes`, true);
  try {
    return await (require('lz4-napi') as Lz4).decompressFrame(frame);
  } catch (error) {
    throw new InflateError(`lz4: ${(error as Error).message}`);
  }
}
