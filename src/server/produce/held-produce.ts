import type { Connection } from '../../network/connection.js';

/** A produce request that outlives the call that received it. Its frame stays in the arena until it is answered. */
export interface HeldProduce {
  readonly slot: number;
  readonly connection: Connection;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string;
  readonly bodyStart: number;
  readonly end: number;
}
