// What a grammar is: how one api is spoken, plausibly. The boundaries of every field, spoilt frames and versions that
// nobody knows are added to what it says by boundary.ts, for all apis alike.

import type { Step } from './conversation.js';
import type { Bindings } from './symbols.js';
import type { World } from './world.js';

/** What a conversation is about mostly. */
export const THEMES = ['records', 'reading', 'producers', 'admin', 'configs', 'groups', 'offsets', 'cluster'] as const;
export type Theme = (typeof THEMES)[number];

export interface Said {
  readonly body: object;
  /** One of three that everybody shares, if not given. */
  readonly connection?: number;
  readonly binds?: string;
  readonly pending?: boolean;
  readonly unanswered?: boolean;
  readonly patience?: number;
  /** Left as it is: what follows builds upon it. */
  readonly faithful?: boolean;
}

export interface Settling {
  readonly ask: Step;
  over(answer: never): boolean;
}

export interface Grammar {
  /** Kafka's name of the api, as in its schema. */
  readonly api: string;
  /** How often it is said in conversations about this. */
  readonly weights: Readonly<Partial<Record<Theme, number>>>;
  say(world: World, version: number): Said;
  /** Remembers what the broker gave out. */
  learn?(answer: never, bindings: Bindings, binds: string): void;
  /** What goes on behind an answer at the broker's own pace: a question that is asked until its answer says that it is over. */
  settles?(answer: never): Settling | undefined;
  /** How long a broker may take, behind its answer, for what nobody can ask after. Milliseconds. */
  rests?(answer: never): number;
  /** What was acknowledged before is seen at once: it need not rest. */
  readsOwnWrites?(body: never): boolean;
  /** The part of an answer that is about this conversation and not about the others beside it. */
  within?(answer: never, prefix: string): object;
  /** Lists whose order says nothing, by their path, and the fields that order them here. */
  readonly unordered?: Readonly<Record<string, readonly string[]>>;
}
