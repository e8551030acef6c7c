// The chaos of test/chaos, for as long as a run of the tests can spare, from a seed that it prints. CHAOS_BROKERS
// names other brokers than three of ours, CHAOS_SEED another seed, CHAOS_MINUTES another time.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { BrokerKind } from '../../bench/peer/member.js';
import { runChaos } from '../chaos/run.js';

const kinds = (process.env['CHAOS_BROKERS'] ?? 'odradek,odradek,odradek').split(',') as BrokerKind[];
const minutes = Number(process.env['CHAOS_MINUTES'] ?? 2);
const seed = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000_000);

test(`seed ${seed}: nothing acknowledged is lost or doubled on ${kinds.join(', ')}, whatever happens to them`, async () => {
  const dir = mkdtempSync(join(process.env['INTEROP_DIR'] ?? tmpdir(), 'odradek-chaos-'));
  const report = await runChaos({ seed, minutes, kinds, coordination: 'apache', swap: false, dir, log: line => console.log(line) });
  expect(report.findings, `seed ${seed}, in ${dir}\n${report.text}`).toEqual([]);
  console.log(report.text);
  rmSync(dir, { recursive: true, force: true });
}, (minutes + 6) * 60_000);
