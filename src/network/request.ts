/** The facts of the request a handler is answering. */
export interface RequestContext {
  readonly apiKey: number;
  readonly apiVersion: number;
  /** "" where the client sent none (RequestHeader.java). */
  readonly clientId: string;
  readonly connection: ConnectionFacts;
}

export interface ConnectionFacts {
  /** Distinct among the open connections of one broker. */
  readonly id: number;
  /** The peer's address without a port, e.g. 127.0.0.1. */
  readonly host: string;
  /** The name of the listener it came in by, e.g. PLAINTEXT. */
  readonly listener: string;
}
