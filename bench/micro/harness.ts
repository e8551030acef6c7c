// A micro benchmark states its question and the physical bound before any number, makes its inputs from a seed outside the
// timed part, and checks that the work was really done. Every file *.bench.ts runs in its own process (main.ts);
// with --smoke on tiny inputs and once, so that none rots.
import { Bench } from 'tinybench';

export interface Prepared<Result> {
  /** The timed part. */
  run(): Result | Promise<Result>;
  /** Throws when the result of a run is not what the work would have given. */
  verify(result: Result): void;
  close?(): void | Promise<void>;
}

export interface MicroBenchmark<Params extends Record<string, number>, Result> {
  readonly question: string;
  readonly bound: string;
  /** For smoke, and for real. */
  readonly params: readonly [Params, Params];
  /** How many of what one run does, so that the figures are per item. */
  readonly items: (params: Params) => number;
  readonly item: string;
  setup(params: Params, seed: number): Prepared<Result> | Promise<Prepared<Result>>;
}

const SEED = 42;
const smoke = process.argv.includes('--smoke');

export async function bench<Params extends Record<string, number>, Result>(name: string, spec: MicroBenchmark<Params, Result>): Promise<void> {
  const params = spec.params[smoke ? 0 : 1];
  const prepared = await spec.setup(params, SEED);
  try {
    prepared.verify(await prepared.run());
    if (smoke) console.log(`${name}: does its work`);
    else await measure(name, spec, params, prepared);
    // Whatever the timed runs left behind has to be right as well.
    prepared.verify(await prepared.run());
  } finally {
    await prepared.close?.();
  }
}

async function measure<Params extends Record<string, number>, Result>(name: string, spec: MicroBenchmark<Params, Result>, params: Params, prepared: Prepared<Result>): Promise<void> {
  const runner = new Bench({ time: 2000, warmupTime: 500, throws: true });
  runner.add(name, async () => { await prepared.run(); });
  await runner.run();
  const result = runner.tasks[0]?.result;
  if (result === undefined || !('latency' in result)) throw new Error(`${name} gave no result`);

  const { latency } = result;
  const items = spec.items(params);
  const nanosEach = (milliseconds: number): string => (milliseconds * 1e6 / items).toPrecision(4);
  console.log([
    `${name} (${Object.entries(params).map(([key, value]) => `${key} ${value.toLocaleString('en')}`).join(', ')})`,
    `  ${spec.question}`,
    `  bound: ${spec.bound}`,
    `  ${nanosEach(latency.p50)} ns per ${spec.item} (p99 of runs ${nanosEach(latency.p99)}), ${Math.round(items / latency.p50 * 1000).toLocaleString('en')} per second, ${latency.samplesCount} runs`,
  ].join('\n'));
}
