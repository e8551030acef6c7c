// Inflating for whoever needs the plain records of a batch as a whole: on a log thread, once to learn how many bytes they
// are and once to have them, so that no more memory is taken than there are bytes.

import type { Jobs } from './jobs.js';

const NOWHERE = new Uint8Array(0);

/** The plain bytes of `packed`, which must stay as they are until then. Rejects with a NativeError where they are damaged. */
export async function inflate(jobs: Jobs, codec: number, packed: Uint8Array): Promise<Uint8Array> {
  const measured = await jobs.run('inflating', (native, cookie) => native.inflate(cookie, codec, packed, NOWHERE));
  const plain = new Uint8Array(measured.first);
  await jobs.run('inflating', (native, cookie) => native.inflate(cookie, codec, packed, plain));
  return plain;
}
