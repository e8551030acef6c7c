// Room for what a hot decoder finds: a few numbers per row, in typed arrays that stay from request to request.

const SMALLEST = 64;
/** Room beyond this is given back after the request that needed it. */
const KEPT = 4096;

export function roomFor(rows: number, needed: number): number {
  return Math.max(rows * 2, needed, SMALLEST);
}

export function isOversized(rows: number): boolean {
  return rows > KEPT;
}

export function grownInt32(from: Int32Array, rows: number): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(rows);
  grown.set(from.subarray(0, Math.min(from.length, rows)));
  return grown;
}

export function grownFloat64(from: Float64Array, rows: number): Float64Array<ArrayBuffer> {
  const grown = new Float64Array(rows);
  grown.set(from.subarray(0, Math.min(from.length, rows)));
  return grown;
}
