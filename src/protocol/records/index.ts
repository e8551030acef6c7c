/** Record batches of magic 2: looking into them, building them. */
export * from './batch.js';
export * from './batchBuilder.js';
export * from './controlRecords.js';
export { crc32c } from './crc32c.js';
export * from './record.js';
export * from './walkBatches.js';
