// Hashes of the JVM, where what Kafka does with them shows.

/** String.hashCode. */
export function javaHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}

/** The same made positive as Kafka's Utils.abs does. */
export function positiveHash(text: string): number {
  const hash = javaHash(text);
  return hash === -0x80000000 ? 0 : Math.abs(hash);
}

const BITS_OF_A_LEVEL = 5;

/** Whether Scala's immutable HashMap comes to `a` before `b`: by their mixed hashes, five bits at a time, lowest first. */
export function comesFirst(a: string, b: string): boolean {
  let [left, right] = [mixed(javaHash(a)), mixed(javaHash(b))];
  while (left !== right) {
    const mask = (1 << BITS_OF_A_LEVEL) - 1;
    if ((left & mask) !== (right & mask)) return (left & mask) < (right & mask);
    left >>>= BITS_OF_A_LEVEL;
    right >>>= BITS_OF_A_LEVEL;
  }
  return false;
}

/** Hashing.improve of Scala 2.13. */
function mixed(hash: number): number {
  let h = (hash + ~(hash << 9)) | 0;
  h ^= h >>> 14;
  h = (h + (h << 4)) | 0;
  return (h ^ (h >>> 10)) >>> 0;
}
