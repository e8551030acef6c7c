// The table of what it must show: which numbers make a row, what is asked of them, and how they are printed.
import { CODECS, type Sample } from './cases.js';
import type { SubjectName } from './subject.js';

export interface Figure {
  readonly sample: string;
  readonly unit: string;
  readonly digits: number;
  readonly label?: string;
  readonly must: Must;
}

type Must = { readonly ratioAtMost: number } | { readonly ratioAtLeast: number } | { readonly atMost: number } | 'told';

export interface Row {
  readonly measure: string;
  readonly case: string;
  readonly figures: readonly Figure[];
}

export const rows: readonly Row[] = [
  { measure: 'broker CPU per GB produced, 1 KiB records, acks=all, batches of 930 KB', case: 'produce', figures: [
    { sample: 'cpuPerGB', unit: 's', digits: 2, must: { ratioAtMost: 0.4 } },
    { sample: 'megabytesPerSecond', unit: 'MB/s', digits: 0, must: 'told' }] },
  { measure: 'broker CPU per GB fetched', case: 'fetch', figures: [
    { sample: 'cpuPerGB', unit: 's', digits: 3, must: { ratioAtMost: 0.5 } },
    { sample: 'megabytesPerSecond', unit: 'MB/s', digits: 0, must: 'told' }] },
  { measure: 'one-record produce requests pipelined on one connection: CPU each; requests/s', case: 'pipelined', figures: [
    { sample: 'cpuPerRequest', unit: 'us', digits: 1, must: { ratioAtMost: 0.35 } },
    { sample: 'requestsPerSecond', unit: '/s', digits: 0, must: { ratioAtLeast: 2 } }] },
  { measure: '32 connections, one request in flight on each: CPU each; requests/s', case: 'connections', figures: [
    { sample: 'cpuPerRequest', unit: 'us', digits: 1, must: { ratioAtMost: 0.7 } },
    { sample: 'requestsPerSecond', unit: '/s', digits: 0, must: { ratioAtLeast: 1.3 } }] },
  { measure: 'one connection, one in flight: p50', case: 'single', figures: [
    { sample: 'p50', unit: 'us', digits: 1, must: { ratioAtMost: 1.2 } }] },
  { measure: 'open loop, 1,000 requests/s: p50; p99', case: 'open-loop', figures: [
    { sample: 'p50', unit: 'us', digits: 0, must: { ratioAtMost: 1 } },
    { sample: 'p99', unit: 'us', digits: 0, must: { ratioAtMost: 0.7 } }] },
  ...codecRows(),
  { measure: '32 connections, one lz4 batch of one record in flight on each: CPU each', case: 'small-lz4', figures: [
    { sample: 'cpuPerRequest', unit: 'us', digits: 1, must: { ratioAtMost: 0.7 } },
    { sample: 'requestsPerSecond', unit: '/s', digits: 0, must: { ratioAtLeast: 1.3 } }] },
  { measure: '32 producers of zstd batches that inflate to 100 MB: memory above rest', case: 'bombs', figures: [
    { sample: 'grownMB', unit: 'MB', digits: 0, must: { atMost: 20 } }] },
  { measure: '5,000 connections: all connected; all served', case: 'idle', figures: [
    { sample: 'allConnected', unit: 's', digits: 2, must: { atMost: 5 } },
    { sample: 'allServed', unit: 's', digits: 2, must: { atMost: 5 } },
    { sample: 'heldMB', unit: 'MB held', digits: 0, must: 'told' }] },
  { measure: 'start, from exec to ready, empty data', case: 'start', figures: [
    { sample: 'readyMs', unit: 'ms', digits: 0, must: { atMost: 250 } }] },
  { measure: 'memory (RSS less mapped files): after start; under load', case: 'memory', figures: [
    { sample: 'restMB', unit: 'MB', digits: 0, must: { atMost: 110 } },
    { sample: 'peakMB', unit: 'MB', digits: 0, must: { atMost: 300 } },
    { sample: 'zookeeperMB', unit: 'MB ZooKeeper', digits: 0, must: 'told' }] },
];

/** Per nominal gigabyte; the floor is the decoder alone. */
function codecRows(): Row[] {
  const most = { lz4: 0.35, snappy: 0.35, zstd: 0.6, gzip: 0.7 } as const;
  return CODECS.flatMap(codec => (['quarter', 'noise'] as const).map((payload): Row => ({
    measure: `broker CPU per nominal GB produced in ${codec}, ${payload === 'noise' ? 'incompressible' : 'about 4:1'}`,
    case: `${codec}-${payload}`,
    figures: [
      { sample: 'cpuPerGB', unit: 's', digits: 2, must: payload === 'noise' ? 'told' : { ratioAtMost: most[codec] } },
      { sample: 'megabytesPerSecond', unit: 'MB/s', digits: 0, must: payload === 'noise' ? 'told' : { ratioAtLeast: 1.5 } }],
  })));
}

/** Samples by case, and within a case by broker; `floor` stands beside the brokers. */
export type Results = Map<string, Map<SubjectName | 'floor', Sample[]>>;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** How much of the machine's CPU went elsewhere while we measured: the median run, and the worst. */
export function shareOfOthers(results: Results): string {
  const shares = [...results.values()].flatMap(byName => [...byName.values()].flat()).map(sample => sample['othersCpuShare']).filter(share => share !== undefined);
  if (shares.length === 0) return 'an unknown part';
  const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
  return `${percent(median(shares))} (at worst ${percent(Math.max(...shares))})`;
}

/** The floor is the kernel alone, and at start node alone. */
export function printTable(results: Results, shown: readonly Row[] = rows): string {
  const lines = ['| measure | must | Odradek | Kafka 3.9.1 | ratio | floor |', '| --- | --- | --- | --- | --- | --- |'];
  for (const row of shown) {
    const byName = results.get(row.case);
    if (byName === undefined) continue;
    const cells = row.figures.map(figure => printFigure(figure, byName));
    const joined = (cell: (printed: PrintedFigure) => string): string => cells.map(cell).filter(text => text !== '').join('; ');
    lines.push(`| ${row.measure} | ${joined(c => c.must)} | ${joined(c => c.odradek)} | ${joined(c => c.kafka)} | ${joined(c => c.ratio)} | ${joined(c => c.floor)} |`);
  }
  return lines.join('\n');
}

interface PrintedFigure {
  readonly must: string;
  readonly odradek: string;
  readonly kafka: string;
  readonly ratio: string;
  readonly floor: string;
}

function printFigure(figure: Figure, byName: ReadonlyMap<SubjectName | 'floor', readonly Sample[]>): PrintedFigure {
  const valuesOf = (name: SubjectName | 'floor'): number[] => (byName.get(name) ?? []).map(sample => sample[figure.sample]).filter(value => value !== undefined);
  const ours = valuesOf('odradek');
  const theirs = valuesOf('kafka');
  const ratio = median(ours) / median(theirs);
  const verdict = judge(figure.must, median(ours), ratio);
  return {
    must: printMust(figure.must, figure.unit),
    odradek: withSpread(ours, figure),
    kafka: withSpread(theirs, figure),
    ratio: figure.must === 'told' || Number.isNaN(ratio) ? verdict : `${ratio.toFixed(2)}x ${verdict}`,
    floor: withSpread(valuesOf('floor'), figure),
  };
}

/** A median, and the whole range where there was more than one run. */
function withSpread(values: readonly number[], figure: Figure): string {
  if (values.length === 0) return '';
  const print = (value: number): string => value.toLocaleString('en', { minimumFractionDigits: figure.digits, maximumFractionDigits: figure.digits });
  const spread = values.length > 1 ? ` (${print(Math.min(...values))}-${print(Math.max(...values))})` : '';
  return `${print(median(values))} ${figure.unit}${spread}`;
}

function printMust(must: Must, unit: string): string {
  if (must === 'told') return '';
  if ('ratioAtMost' in must) return `<= ${must.ratioAtMost}x`;
  if ('ratioAtLeast' in must) return `>= ${must.ratioAtLeast}x`;
  return `<= ${must.atMost} ${unit}`;
}

function judge(must: Must, ours: number, ratio: number): string {
  if (must === 'told') return '';
  const holds = 'ratioAtMost' in must ? ratio <= must.ratioAtMost : 'ratioAtLeast' in must ? ratio >= must.ratioAtLeast : ours <= must.atMost;
  const known = 'atMost' in must ? ours : ratio;
  if (Number.isNaN(known)) return '';
  return holds ? 'met' : '**not met**';
}
