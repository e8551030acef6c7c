import type { Connection } from '../../network/connection.js';

/** A produce request that outlives the call that received it. Its frame stays in the arena until it is answered. */
export interface HeldProduce {
  readonly slot: number;
  readonly connection: Connection;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string;
  /** Its connection has gone on with later requests, and is not to be told when it is answered. */
  readonly aside?: boolean;
  readonly bodyStart: number;
  readonly end: number;
}
