// Zstandard. Node has it built in from 22.15 on, off the main isolate; before that a package has it, which works on the
// thread that calls: so it is called on a worker, which starts with the first batch that needs it.

import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import * as zlib from 'node:zlib';
import { InflateError } from './inflate-error.js';

type ZstdDecompress = (bytes: Buffer, options: { maxOutputLength: number }, done: (error: NodeJS.ErrnoException | null, plain: Buffer) => void) => void;

// Streamed, so that a frame that claims or becomes too much is stopped at the limit.
const WORKER = `
const { parentPort, workerData } = require('node:worker_threads');
const { DecompressStream } = require(workerData.zstd);
parentPort.on('message', ({ id, bytes, limit }) => {
  const parts = [];
  let size = 0;
  const stream = new DecompressStream();
  let over = false;
  const end = message => { if (!over) { over = true; parentPort.postMessage({ id, ...message }); } };
  stream.on('data', part => {
    size += part.length;
    if (size > limit) { end({ error: 'more than ' + limit + ' bytes', tooLarge: true }); stream.destroy(); }
    else parts.push(part);
  });
  stream.on('error', error => end({ error: String(error && error.message || error), tooLarge: false }));
  stream.on('end', () => { const plain = Buffer.concat(parts); end({ plain }); });
  stream.end(Buffer.from(bytes));
});
`;

interface Reply {
  readonly id: number;
  readonly plain?: Uint8Array;
  readonly error?: string;
  readonly tooLarge?: boolean;
}

export class ZstdWorker {
  readonly #builtIn = (zlib as unknown as { zstdDecompress?: ZstdDecompress }).zstdDecompress;
  readonly #waiting = new Map<number, { resolve: (plain: Buffer) => void; reject: (error: Error) => void }>();
  #worker: Worker | undefined;
  #next = 1;

  inflate(bytes: Buffer, limit: number): Promise<Buffer> {
    if (this.#builtIn !== undefined) return this.#inflateBuiltIn(this.#builtIn, bytes, limit);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#start().postMessage({ id, bytes: Uint8Array.prototype.slice.call(bytes), limit });
    });
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
    this.#failAll(new InflateError('zstd: closed'));
  }

  #inflateBuiltIn(decompress: ZstdDecompress, bytes: Buffer, limit: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      decompress(bytes, { maxOutputLength: limit }, (error, plain) => {
        if (error === null) resolve(plain);
        else reject(new InflateError(`zstd: ${error.message}`, error.code === 'ERR_BUFFER_TOO_LARGE'));
      });
    });
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const zstd = createRequire(import.meta.url).resolve('zstd-napi');
    const worker = new Worker(WORKER, { eval: true, workerData: { zstd } });
    worker.unref();
    worker.on('message', ({ id, plain, error, tooLarge }: Reply) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (plain !== undefined) waiting?.resolve(Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength));
      else waiting?.reject(new InflateError(`zstd: ${error}`, tooLarge));
    });
    worker.on('error', error => {
      this.#worker = undefined;
      // Not the batch's fault.
      this.#failAll(new Error(`the zstd worker died: ${error.message}`));
    });
    this.#worker = worker;
    return worker;
  }

  #failAll(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
