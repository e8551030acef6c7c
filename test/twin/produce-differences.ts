// What differs on purpose in Produce. Where other records are kept than Kafka keeps, nothing behind it is compared.

import type { BatchSpec } from './batches.js';
import type { Step } from './conversation.js';
import { READER } from './converse.js';
import type { Allowed } from './differences.js';
import { isBatch } from './symbols.js';

const UNSUPPORTED_FOR_MESSAGE_FORMAT = 43;

const INVALID_RECORD = 87;
const OUT_OF_ORDER_SEQUENCE_NUMBER = 45;
const UNKNOWN_SERVER_ERROR = -1;
const LAST_CODEC = 4;

export const produceDifferences: readonly Allowed[] = [
  {
    id: 'compressed-record-lengths',
    reason: 'a record in a compressed batch whose length is not that of its fields is taken by Kafka, and no consumer gets past it',
    ends: true,
    matches: ({ step, path, ours, kafka }) => {
      if (step?.api !== 'Produce' || !specs(step).some(({ codec, spoilt = [] }) => codec !== 'none' && spoilt.length > 0)) return false;
      // Who waits for no answer is told of a refusal by the end of the connection.
      if (step.unanswered === true) return path === 'kind' && ours === 'closed' && kafka === 'alive';
      return path.endsWith('.errorCode') && ours === INVALID_RECORD && (kafka === 0 || kafka === OUT_OF_ORDER_SEQUENCE_NUMBER);
    },
  },
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
  {
    id: 'roll-before-refusal',
    reason: 'Kafka rolls the segment for a batch before it finds that its sequence is refused, and reads one segment at a time',
    ends: true,
    matches: ({ at, step, path, ours, kafka, answers }, steps) => {
      if (!steps.some(each => specs(each).some(({ producerId }) => producerId !== undefined))) return false;
      if (at === 'segments') return /\.begin\b/.test(path) && Number(ours) < Number(kafka);
      return step?.api === 'Fetch' && step.clientId === READER && path.endsWith('.records.length') && isPrefix(recordsAt(answers.kafka, path), recordsAt(answers.ours, path));
    },
  },
  {
    id: 'unknown-codec',
    reason: 'a codec that does not exist is an exception of Kafka\'s, for the whole of the request',
    ends: true,
    matches: ({ step, kafka }) => step?.api === 'Produce' && step.version < 7 && kafka === UNKNOWN_SERVER_ERROR
      && specs(step).some(({ lies }) => ((lies?.attributes ?? 0) & 7) > LAST_CODEC),
  },
];

function recordsAt(told: unknown, path: string): readonly unknown[] {
  const index = Number(/\[(\d+)\]/.exec(path)?.[1]);
  return (told as { answer: { responses: readonly { readonly records: readonly unknown[] }[] } }).answer.responses[index]!.records;
}

function isPrefix(part: readonly unknown[], whole: readonly unknown[]): boolean {
  return part.length < whole.length && JSON.stringify(part) === JSON.stringify(whole.slice(0, part.length));
}

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

function specs(step: Step): BatchSpec[] {
  return rows(step).flatMap(({ records }) => specOf(records) ?? []);
}

function specOf(records: unknown): BatchSpec | undefined {
  return typeof records === 'object' && records !== null && isBatch(records) ? records.$batch : undefined;
}
