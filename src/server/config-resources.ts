// What settings can be of, and what the two APIs that name such a resource ask of its name alike (ConfigResource.java).

import { ErrorCode } from '../protocol/errors.js';
import { RequestError } from './request-error.js';

export const ConfigResource = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16 } as const;

const TYPES: ReadonlySet<number> = new Set(Object.values(ConfigResource));

export function isConfigResource(type: number): boolean {
  return TYPES.has(type);
}

/** A broker's id as it is written, in whatever way Java reads a number; undefined where it reads none. */
export function brokerIdOf(text: string): number | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined;
  const id = Number(text);
  return id >= -0x80000000 && id <= 0x7fffffff ? id : undefined;
}

export function invalidRequest(message: string): RequestError {
  return new RequestError(ErrorCode.InvalidRequest, message);
}
