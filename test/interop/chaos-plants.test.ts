// A run of test/chaos finds the faults that are planted in the product. CHAOS_PLANTS=1 runs them all (some minutes each), or names one.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { plantedCommand, plants } from '../chaos/plants.js';
import { runChaos } from '../chaos/run.js';

const asked = process.env['CHAOS_PLANTS'] ?? '';
/** A fault may need more than one run to come to light. */
const SEEDS = [1, 2, 3, 4];
const MINUTES = 0.75;

describe.skipIf(asked === '')('planted in the product', () => {
  test.each(plants.filter(plant => asked === '1' || asked === plant))('a broker that %s is caught', async plant => {
    const command = await plantedCommand(plant);
    const found: string[] = [];
    for (const seed of SEEDS) {
      const dir = mkdtempSync(join(process.env['INTEROP_DIR'] ?? tmpdir(), 'odradek-plant-'));
      const { findings, text } = await runChaos({ seed, minutes: MINUTES, kinds: ['odradek', 'odradek', 'odradek'], coordination: 'apache', swap: false, dir, log: () => {}, command });
      rmSync(dir, { recursive: true, force: true });
      // What tells of lost, doubled or diverging records; a cluster that merely does not heal says nothing of which fault it has.
      found.push(...findings.map(({ kind }) => kind).filter(kind => !['left out', 'stuck', 'ended by itself', 'not read in the end'].includes(kind)));
      if (found.length > 0) {
        console.log(`${plant}, seed ${seed}:\n${text}`);
        return;
      }
    }
    expect(found, plant).not.toEqual([]);
  }, SEEDS.length * 6 * 60_000);
});
