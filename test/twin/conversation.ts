// What is said to both brokers: steps that are data, so that one can be left out and the rest played again.

/** What is done to a request's bytes before they are sent. */
export interface Mangling {
  /** Bytes taken from the end of the frame, whose length then says so. */
  readonly cut?: number;
  /** Bytes added behind the body. */
  readonly tail?: number;
  /** In place of the api's own. */
  readonly apiKey?: number;
  readonly apiVersion?: number;
  /** In place of the length. */
  readonly size?: number;
}

export interface Step {
  readonly api: string;
  readonly version: number;
  /** By number; opened when it is first used, and anew after it was closed. */
  readonly connection: number;
  readonly clientId: string | null;
  readonly body: object;
  /** What is remembered of the answer, by the api's grammar. */
  readonly binds?: string;
  /** It may wait for others: the next step follows without its answer when that is not soon there. */
  readonly pending?: boolean;
  /** The next one follows on the same connection without waiting for this one's answer. */
  readonly inFlight?: boolean;
  /** It has no answer (acks=0): the connection is asked something else, to see whether it still lives. */
  readonly unanswered?: boolean;
  /** Milliseconds that the request itself may make its answer wait. */
  readonly patience?: number;
  readonly mangling?: Mangling;
}

export interface Conversation {
  readonly seed: number;
  readonly steps: readonly Step[];
  /** What a second reader asks at the end. */
  readonly epilogue: readonly Step[];
  readonly topics: number;
}
