// What was measured, and what went wrong.
import type { Sample } from './cases.js';
import type { SubjectName } from './subject.js';
import type { Results } from './table.js';

export class Ledger {
  readonly results: Results = new Map();
  readonly failures: string[] = [];

  record(caseName: string, who: SubjectName | 'floor', sample: Sample): void {
    const byName = this.results.get(caseName) ?? new Map<SubjectName | 'floor', Sample[]>();
    this.results.set(caseName, byName);
    byName.set(who, [...(byName.get(who) ?? []), sample]);
    const shown = Object.entries(sample).map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`).join(', ');
    console.error(`${caseName} ${who}: ${shown}`);
  }

  /** A case that fails on one broker is told at the end; the others go on. */
  async attempt(what: string, work: () => Promise<void>, subject?: { obituary(): string | undefined }): Promise<void> {
    try {
      const gone = subject?.obituary();
      if (gone !== undefined) throw new Error(gone);
      await work();
    } catch (error) {
      const why = [error instanceof Error ? error.message : String(error), subject?.obituary()].filter(text => text !== undefined);
      this.failures.push(`${what}: ${[...new Set(why)].join('\n')}`);
      console.error(`FAILED ${this.failures.at(-1)}`);
    }
  }
}
