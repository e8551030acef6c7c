/** Record batches of magic 2: looking into them, building them. */
export * from './batch.js';
export * from './batch-builder.js';
export * from './control-records.js';
export { crc32c } from './crc32c.js';
export * from './record.js';
export * from './walk-batches.js';
