// Faults planted in the product, to see that a run finds them. A plant is a change to a source file, made while a broker is
// bundled for the test: the product itself knows nothing of it. Text that is not there any more is an error, so that no plant withers unseen.
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

interface Change {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const PLANTS = {
  'acknowledges before the watermark': [
    { file: 'src/replication/partition.ts', from: 'const endOffset = log.commitAlone(alone);', to: 'const endOffset = log.commitAlone(true);' },
  ],
  // As Kafka did before KIP-101.
  'truncates to the watermark': [
    { file: 'src/replication/fetcher/partition-fetch-state.ts', from: 'const latest = tellsDivergence ? log.epochs.latestEpoch : NO_EPOCH;', to: 'const latest = NO_EPOCH;' },
    { file: 'src/replication/fetcher/truncating.ts', from: 'if (state.partition.log?.epochs.latestEpoch === NO_EPOCH) work.push', to: 'if (states.length > 0) work.push' },
  ],
  'ignores the epoch of what a follower has': [
    { file: 'src/server/fetch/fetch-read.ts', from: 'whereWaysPart(entry, partition);', to: 'undefined;' },
  ],
  'counts a replica that is not in sync': [
    { file: 'src/replication/leader-state.ts', from: 'remote.endOffset >= Math.max(highWatermark, this.epochStart)', to: 'remote.endOffset >= 0' },
    { file: 'src/replication/leader-state.ts', from: 'offset = Math.min(offset, remote.endOffset);', to: '' },
  ],
} as const satisfies Readonly<Record<string, readonly Change[]>>;

export type Plant = keyof typeof PLANTS;

export const plants = Object.keys(PLANTS) as readonly Plant[];

const root = resolve(fileURLToPath(import.meta.url), '../../..');

export function changed(plant: Plant, file: string, source: string): string {
  return PLANTS[plant].filter(change => change.file === file).reduce((text, { from, to }) => {
    if (text.split(from).length !== 2) throw new Error(`'${plant}' finds its place ${text.split(from).length - 1} times in ${file}: ${from}`);
    return text.replace(from, () => to);
  }, source);
}

export function filesOf(plant: Plant): readonly string[] {
  return [...new Set(PLANTS[plant].map(({ file }) => file))];
}

/** Bundles a command that has the fault; its path, which is as deep as the product's, because the addon is found from there. */
export async function plantedCommand(plant: Plant): Promise<string> {
  const folder = join(root, 'dist/planted');
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `${plant.replaceAll(' ', '-')}.cjs`);
  const planting: Plugin = {
    name: 'plant',
    setup({ onLoad }) {
      for (const file of filesOf(plant)) {
        const path = join(root, file);
        onLoad({ filter: new RegExp(`^${path.replaceAll('.', '\\.')}$`) }, () => ({ contents: changed(plant, file, readFileSync(path, 'utf8')), loader: 'ts' }));
      }
    },
  };
  await build({
    entryPoints: [join(root, 'src/cli/main.ts')], outfile, bundle: true, platform: 'node', format: 'cjs', target: 'node20', logLevel: 'warning', external: ['dot-properties'],
    define: { 'import.meta.url': 'bundleUrl' }, banner: { js: 'const bundleUrl = require("node:url").pathToFileURL(__filename).href;' }, plugins: [planting],
  });
  return outfile;
}
