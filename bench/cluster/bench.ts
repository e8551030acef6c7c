// Three brokers of ours, and with --peer three of Kafka's beside them, loaded in turns.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BrokerKind } from '../peer/member.js';
import { startZooKeeper } from '../peer/zookeeper.js';
import type { Size } from '../suite/cases.js';
import { evenGround } from '../suite/even-ground.js';
import type { Ledger } from '../suite/ledger.js';
import { choose, clusterCases, warmUp } from './cases.js';
import { ClusterSubject } from './subject.js';

export interface ClusterBenchOptions {
  readonly dir: string;
  readonly kinds: readonly BrokerKind[];
  readonly size: Size;
  readonly rounds: number;
  readonly chosen: readonly string[] | undefined;
  /** For our brokers. */
  readonly overrides: readonly string[];
  readonly kafkaWarmupSeconds: number;
}

/** Ours need the warmth of a few seconds. */
const OUR_WARMUP_SECONDS = 5;

export async function clusterBench(ledger: Ledger, { dir, kinds, size, rounds, chosen, overrides, kafkaWarmupSeconds }: ClusterBenchOptions): Promise<void> {
  const home = join(dir, 'zookeeper');
  mkdirSync(home, { recursive: true });
  const zookeeper = await startZooKeeper({ dir: home });
  const subjects: ClusterSubject[] = [];
  const peaks = new Map<BrokerKind, number>();
  try {
    for (const kind of kinds) await ledger.attempt(`start ${kind}`, async () => { subjects.push(await ClusterSubject.start(kind, dir, zookeeper.connect, overrides)); });
    for (const subject of subjects) {
      const forSeconds = size === 'smoke' ? 0 : subject.name === 'kafka' ? kafkaWarmupSeconds : OUR_WARMUP_SECONDS;
      await ledger.attempt(`warm-up ${subject.name}`, () => warmUp(subject, forSeconds, size), subject);
    }
    for (const each of clusterCases) {
      if (chosen !== undefined && !chosen.includes(each.name)) continue;
      console.error(`\n${each.name}: ${each.question}\n  bound: ${each.bound}`);
      for (let round = 0; round < Math.min(rounds, each.mostRounds ?? rounds); round += 1) {
        for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
          await ledger.attempt(`${each.name} ${subject.name}`, async () => {
            if (size !== 'smoke') await evenGround();
            await choose(subject);
            const sample = await each.run(subject, size);
            ledger.record(each.name, subject.name, sample);
            peaks.set(subject.name, Math.max(peaks.get(subject.name) ?? 0, sample['peakMB'] ?? 0));
          }, subject);
        }
      }
    }
    for (const [name, peakMB] of peaks) if (peakMB > 0) ledger.record('cluster-memory', name, { peakMB });
  } finally {
    for (const subject of subjects) await subject.stop();
    await zookeeper.stop();
  }
}
