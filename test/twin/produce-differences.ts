// What differs on purpose in Produce. Where other records are kept than Kafka keeps, nothing behind it is compared.

import type { BatchSpec } from './batches.js';
import type { Step } from './conversation.js';
import type { Allowed } from './differences.js';
import { isBatch } from './symbols.js';

const UNSUPPORTED_FOR_MESSAGE_FORMAT = 43;

export const produceDifferences: readonly Allowed[] = [
  {
    id: 'null-records',
    reason: 'Kafka never answers them, and the connection hangs',
    cuts: step => rows(step).some(({ records }) => records === null),
  },
  {
    id: 'old-formats',
    reason: 'message formats 0 and 1 are not taken yet',
    cuts: step => step.version < 3 && rows(step).some(({ records }) => [0, 1].includes(specOf(records)?.lies?.magic ?? 2)),
    matches: difference => difference.step?.api === 'Produce' && difference.ours === UNSUPPORTED_FOR_MESSAGE_FORMAT,
  },
  {
    id: 'partition-named-twice',
    reason: 'Kafka appends the last one\'s batch, drops the others\' without a word, and answers once',
    cuts: step => {
      const names = rows(step).map(({ name, index }) => `${JSON.stringify(name)} ${index}`);
      return new Set(names).size < names.length;
    },
  },
];

interface Row {
  readonly name: unknown;
  readonly index: number;
  readonly records: unknown;
}

function rows(step: Step): Row[] {
  if (step.api !== 'Produce') return [];
  const { topicData } = step.body as { topicData?: { name: unknown; partitionData: { index: number; records: unknown }[] }[] };
  return (topicData ?? []).flatMap(({ name, partitionData }) => partitionData.map(({ index, records }) => ({ name, index, records })));
}

function specOf(records: unknown): BatchSpec | undefined {
  return typeof records === 'object' && records !== null && isBatch(records) ? records.$batch : undefined;
}
