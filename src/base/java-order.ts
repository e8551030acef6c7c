// In which order Kafka's own classes tell the keys of a map: in znodes, and in messages. Nobody who reads JSON may care, but
// whoever compares two clusters' znodes byte for byte does, and so do our tests. Three kinds of map stand behind them.

const HASH_SEED = 31;

function javaHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, HASH_SEED) + text.charCodeAt(i)) | 0;
  return hash;
}

const spread = (hash: number): number => hash ^ (hash >>> 16);

type Hashed = { readonly key: string; readonly hash: number };

const highestBit = (value: number): number => 1 << (31 - Math.clz32(value));

/** scala.collection.mutable.Map made of `initial` elements at once, to which the rest of `keys` was added. */
export function scalaMutableOrder(keys: readonly string[], initial = 0): string[] {
  const capacity = initial > 0 ? Math.floor((initial + 1) / 0.75) : 16;
  let size = highestBit(Math.max(capacity - 1, 4)) << 1;
  for (let held = 0; held < keys.length; held++) if (held + 1 >= Math.floor(size * 0.75)) size *= 2;
  const hashed = keys.map(key => ({ key, hash: spread(javaHash(key)) }));
  const bucket = ({ hash }: Hashed): number => hash & (size - 1);
  return hashed.sort((a, b) => bucket(a) - bucket(b) || a.hash - b.hash).map(({ key }) => key);
}

/** scala.collection.immutable.Map: as inserted up to four, by hash in a trie of 32 branches from five on. */
export function scalaImmutableOrder(keys: readonly string[]): string[] {
  if (keys.length <= 4) return [...keys];
  return trieOrder(keys.map(key => ({ key, hash: mixed(javaHash(key)) })), 0);
}

/** scala.collection.Hashing.improve. */
function mixed(hash: number): number {
  let mix = (hash + ~(hash << 9)) | 0;
  mix ^= mix >>> 14;
  mix = (mix + (mix << 4)) | 0;
  return mix ^ (mix >>> 10);
}

function trieOrder(keys: readonly Hashed[], shift: number): string[] {
  if (shift >= 32) return keys.map(({ key }) => key);
  const branches = Array.from({ length: 32 }, (): Hashed[] => []);
  for (const hashed of keys) branches[(hashed.hash >>> shift) & 31]!.push(hashed);
  // A node holds its single keys first, then the branches that hold several.
  const single = branches.filter(branch => branch.length === 1).map(([only]) => only!.key);
  const crowded = branches.filter(branch => branch.length > 1).flatMap(branch => trieOrder(branch, shift + 5));
  return [...single, ...crowded];
}

/** java.util.Properties: a ConcurrentHashMap that began with room for eight. */
export function javaPropertiesOrder(keys: readonly string[]): string[] {
  let size = 16;
  for (let held = 1; held <= keys.length; held++) if (held >= size * 0.75) size *= 2;
  const bucket = ({ hash }: Hashed): number => hash & (size - 1);
  return keys.map(key => ({ key, hash: spread(javaHash(key)) })).sort((a, b) => bucket(a) - bucket(b)).map(({ key }) => key);
}
