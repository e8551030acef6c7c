// Values that a conversation cannot name beforehand: what a broker gave out earlier (a member id, a session), and names
// that are new each time it is played. A request holds a reference; each side puts its own value there.

import { buildBatch, type BatchSpec } from './batches.js';

interface Reference {
  readonly $: string;
  readonly or: string | number;
}

interface BatchReference {
  readonly $batch: BatchSpec;
}

/** What `name` stands for when the request is sent; `or` where nothing gave it out. */
export function ref<T extends string | number>(name: string, or: T): T {
  return { $: name, or } satisfies Reference as unknown as T;
}

/** The batches' bytes. */
export function records(spec: BatchSpec): Uint8Array {
  return { $batch: spec } satisfies BatchReference as unknown as Uint8Array;
}

export class Bindings {
  readonly #values = new Map<string, string | number>();
  readonly #prefix: string;
  /** Everything that was ever bound. */
  readonly history: { readonly name: string; readonly value: string | number }[] = [];

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  get prefix(): string {
    return this.#prefix;
  }

  bind(name: string, value: string | number): void {
    if (this.#values.get(name) === value) return;
    this.#values.set(name, value);
    this.history.push({ name, value });
  }

  /** Names of the world are made of the prefix: `topic:2`, `group:0`. */
  value({ $: name, or }: Reference): string | number {
    const known = this.#values.get(name);
    if (known !== undefined) return known;
    const named = /^(topic|group):(.*)$/.exec(name);
    return named === null ? or : `${this.#prefix}${named[1]![0]}${named[2]!}`;
  }

  resolve(value: unknown): unknown {
    if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value;
    if (Array.isArray(value)) return value.map(each => this.resolve(each));
    if (isReference(value)) return this.value(value);
    if (isBatch(value)) return buildBatch(this.resolve(value.$batch) as BatchSpec);
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.resolve(each)]));
  }
}

export function isReference(value: object): value is Reference {
  return '$' in value;
}

export function isBatch(value: object): value is BatchReference {
  return '$batch' in value;
}
