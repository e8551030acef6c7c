const MODULUS = 65_521;
/** The most bytes before the sums must be reduced to stay within 32 bits. */
const RUN = 5552;

/** Adler-32, which ZooKeeper seals its files with. Start from 1; pass the result on to continue. */
export function adler32(bytes: Uint8Array, seed = 1): number {
  let low = seed & 0xffff;
  let high = seed >>> 16;
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(at + RUN, bytes.length);
    for (; at < end; at++) high += low += bytes[at]!;
    low %= MODULUS;
    high %= MODULUS;
  }
  return ((high << 16) | low) >>> 0;
}
