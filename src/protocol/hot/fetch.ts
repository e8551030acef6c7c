// Fetch, decoded in place and encoded around records that are sent from files. Equal to the generated codecs, byte for
// byte and error for error (test/protocol/hot-fetch.test.ts), without an object per partition.

export { FetchRequestView } from './fetch-request.js';
export { FetchResponseEncoder, type FetchPartitionDetails, type FetchPartitionState } from './fetch-response.js';
export { FetchRequestRows } from './fetch-rows.js';
