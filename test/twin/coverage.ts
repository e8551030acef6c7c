// Which apis and versions were really spoken, and how often.

import { grammars } from './grammars.js';
import { apiNamed } from './play.js';
import type { Step } from './conversation.js';
import type { Heard } from './play.js';

export class Coverage {
  readonly #answered = new Map<string, number>();
  requests = 0;
  unsayable = 0;

  note(steps: readonly Step[], heard: readonly Heard[]): void {
    steps.forEach((step, index) => {
      const { kind } = heard[index]!;
      if (kind === 'unsayable') {
        this.unsayable++;
        return;
      }
      this.requests++;
      if (kind !== 'answer' && kind !== 'alive') return;
      const key = `${step.api} v${step.version}`;
      this.#answered.set(key, (this.#answered.get(key) ?? 0) + 1);
    });
  }

  get versions(): number {
    return this.#answered.size;
  }

  /** Advertised versions that nobody got an answer of. */
  missing(only?: string): string[] {
    return grammars.filter(({ api }) => only === undefined || api === only).flatMap(({ api }) => {
      const [first, last] = apiNamed.get(api)!.zkVersions!;
      const versions = Array.from({ length: last - first + 1 }, (_, index) => `${api} v${first + index}`);
      return versions.filter(version => !this.#answered.has(version));
    });
  }
}
