import { bytes, object, parse, string } from './json.js';

/** /cluster/id. Its version is a string; nobody knows why. */
export const encodeClusterId = (id: string): Buffer => bytes(object({ version: '1', id }));
export const decodeClusterId = (data: Uint8Array): string => string(parse(data), 'id');
