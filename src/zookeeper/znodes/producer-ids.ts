import { bytes, integer, object, parse } from './json.js';

export const PRODUCER_ID_BLOCK_SIZE = 1000;

/** /latest_producer_id_block, version 1: the last block given out, bounds included. Written under the znode's version. */
export interface ProducerIdBlock {
  readonly brokerId: number;
  readonly first: number;
  readonly last: number;
}

export function encodeProducerIdBlock(block: ProducerIdBlock): Buffer {
  return bytes(object({ version: 1, broker: block.brokerId, block_start: String(block.first), block_end: String(block.last) }));
}

/** Undefined: no block was given out yet (a broker creates the node without data). */
export function decodeProducerIdBlock(data: Uint8Array | null): ProducerIdBlock | undefined {
  if (data === null || data.length === 0) return undefined;
  const fields = parse(data);
  return { brokerId: integer(fields, 'broker'), first: integer(fields, 'block_start'), last: integer(fields, 'block_end') };
}
