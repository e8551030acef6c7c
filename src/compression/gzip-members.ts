// Where the members of a gzip stream end and what is ignored begins, as GZIPInputStream of Java sees it.

import { inflateRaw } from 'node:zlib';

const HEADER_BYTES = 10;
const TRAILER_BYTES = 8;
/** Fewer bytes behind a member are not looked at. */
const LEAST_MEMBER = 19;
const DEFLATE = 8;
const Flag = { headerCrc: 2, extra: 4, name: 8, comment: 16 } as const;

/** The length of `bytes` where a member is broken: what is there is to be refused for that. */
export async function endOfMembers(bytes: Buffer, limit: number): Promise<number> {
  for (let at = 0; ;) {
    const body = at + headerBytes(bytes.subarray(at));
    // Not a member, but bytes behind one.
    if (body === at) return at === 0 ? bytes.length : at;
    const deflated = await deflatedBytes(bytes.subarray(body), limit);
    at = body + deflated + TRAILER_BYTES;
    if (deflated < 0 || at > bytes.length) return bytes.length;
    if (bytes.length - at < LEAST_MEMBER) return at;
  }
}

/** 0: no member begins there. */
function headerBytes(bytes: Buffer): number {
  if (bytes.length < HEADER_BYTES || bytes[0] !== 0x1f || bytes[1] !== 0x8b || bytes[2] !== DEFLATE) return 0;
  const flags = bytes[3]!;
  let at = HEADER_BYTES;
  if ((flags & Flag.extra) !== 0) at += 2 + (bytes[at] ?? 0) + ((bytes[at + 1] ?? 0) << 8);
  for (const text of [Flag.name, Flag.comment]) {
    if ((flags & text) === 0) continue;
    const end = bytes.indexOf(0, at);
    if (end < 0) return 0;
    at = end + 1;
  }
  if ((flags & Flag.headerCrc) !== 0) at += 2;
  return at > bytes.length ? 0 : at;
}

/** How many bytes the deflated data takes that begins there, or -1. */
function deflatedBytes(bytes: Buffer, limit: number): Promise<number> {
  return new Promise(resolve => {
    const options = { maxOutputLength: limit, info: true };
    inflateRaw(bytes, options, (error, told) => {
      if (error !== null) resolve(-1);
      else resolve((told as unknown as { readonly engine: { readonly bytesWritten: number } }).engine.bytesWritten);
    });
  });
}
