// What the twin lets pass is what docs/differences.md tells operators, and the other way round.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Difference } from './compare.js';
import { allowedDifferences, sortOut } from './differences.js';

const document = readFileSync(fileURLToPath(new URL('../../docs/differences.md', import.meta.url)), 'utf8');

/** The first column of the table below the heading. */
function idsInTheTable(): string[] {
  const [, section = ''] = document.split('## Seen by the twin\n');
  const rows = section.split('\n## ')[0]!.split('\n').filter(line => line.startsWith('|'));
  return rows.slice(2).map(line => line.split('|')[1]!.trim());
}

test('what is allowed stands in the table, and what stands there is allowed, both in alphabetical order', () => {
  const ids = allowedDifferences.map(({ id }) => id);
  expect(idsInTheTable()).toEqual(ids);
  expect(ids).toEqual([...new Set(ids)].sort());
});

function difference(api: string, path: string, ours: object, kafka: object): Difference {
  const told = (answer: object): object => ({ answer });
  return { at: 0, step: { api, version: 1, connection: 0, clientId: 'twin', body: {} }, path, ours: 0, kafka: 0, answers: { ours: told(ours), kafka: told(kafka) } };
}

test('only the very thing is let pass: the same error of something else is a fault', () => {
  const refused = (errorCode: number, errorMessage: string | null): object => ({ responses: [{ errorCode, errorMessage }] });
  const meant = difference('IncrementalAlterConfigs', 'answer.responses[0].errorCode', refused(42, 'Unknown operations type 4'), refused(-1, null));
  const other = difference('IncrementalAlterConfigs', 'answer.responses[0].errorCode', refused(42, 'Default topic resources are not allowed.'), refused(-1, null));
  const { faults, allowed } = sortOut([meant, other]);
  expect(faults).toEqual([other]);
  expect([...allowed]).toEqual([['alter-operation', 1]]);
});

test('behind what changes everything nothing is compared', () => {
  const made = (errorCode: number, errorMessage: string | null): object => ({ topics: [{ errorCode, errorMessage }] });
  const asked = difference('CreateTopics', 'answer.topics[0].errorCode', made(39, 'Cannot have replication factor of 0.'), made(0, null));
  const first: Difference = { ...asked, step: { ...asked.step!, body: { topics: [{ name: 't', assignments: [{ partitionIndex: 0, brokerIds: [] }] }] } } };
  const second = difference('Metadata', 'answer.topics.length', { topics: [] }, made(0, null));
  expect(sortOut([first, second]).faults).toEqual([]);
  expect(sortOut([second, first]).faults).toEqual([second]);
});
