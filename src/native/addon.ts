// The only loader of the addon.

import { createRequire } from 'node:module';
import type { ExchangeOptions, NativeExchange } from './exchange.js';

export interface Addon {
  readonly Exchange: new (options: ExchangeOptions) => NativeExchange;
  /** CRC-32C of a range. */
  crc32c(bytes: Uint8Array): number;
}

const require = createRequire(import.meta.url);
let loaded: Addon | undefined;

/** Loads on first use, so that a command that needs no broker pays nothing. */
export function loadAddon(): Addon {
  loaded ??= require('../../build/Release/odradek.node') as Addon;
  return loaded;
}
