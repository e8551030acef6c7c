// What answers to Fetch and ListOffsets say otherwise on purpose.

import type { Difference } from './compare.js';
import type { Allowed } from './differences.js';

const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';
const UNKNOWN_SERVER_ERROR = -1;
const UNSUPPORTED_VERSION = 35;
const INVALID_REQUEST = 42;
const UNSUPPORTED_COMPRESSION_TYPE = 76;

/** Kafka keeps sessions in so many shards, of so many ids each. */
const SHARDS = 8;
const SHARD = Math.floor((2 ** 31 - 1) / SHARDS);

interface Told {
  readonly errorCode: number;
  readonly [field: string]: unknown;
}

interface Body {
  readonly sessionId?: number;
  readonly isolationLevel?: number;
}

export const fetchDifferences: readonly Allowed[] = [
  {
    id: 'down-conversion',
    reason: 'records are not converted to the formats of clients older than 0.11 yet: their partition is refused',
    matches: difference => {
      if (difference.step?.api !== 'Fetch' || difference.step.version > 3) return false;
      const { ours, kafka, field } = partitionOf(difference);
      // Kafka converts while it sends: what it cannot convert then ends the connection.
      if ((difference.answers.kafka as { kind?: string }).kind === 'closed' && wholeOf(difference.answers.ours).responses.some(({ errorCode }) => errorCode === UNSUPPORTED_VERSION)) return true;
      // Records that Kafka cannot convert, for what they are, end its whole answer.
      if (isRefused(difference.answers.kafka, UNKNOWN_SERVER_ERROR) && wholeOf(difference.answers.ours).responses.some(({ errorCode }) => errorCode === UNSUPPORTED_VERSION)) return true;
      if (ours?.errorCode !== UNSUPPORTED_VERSION) return false;
      // Zstd is known to no version so old.
      if (kafka?.errorCode === UNSUPPORTED_COMPRESSION_TYPE) return field === 'errorCode';
      return kafka?.errorCode === 0 && ['errorCode', 'highWatermark', 'records'].includes(field);
    },
  },
  {
    id: 'diverging-epoch-in-a-session',
    reason: 'an exception of Kafka\'s where a session learnt of an epoch that its later, older requests cannot be told about',
    ends: true,
    matches: ({ step, path, answers }) => step?.api === 'Fetch' && step.version < 12 && (step.body as Body).sessionId !== 0 && path.startsWith('answer.') && wholeOf(answers.kafka).errorCode === UNSUPPORTED_VERSION && wholeOf(answers.ours).errorCode === 0,
  },
  {
    id: 'fetch-limits',
    reason: 'a limit below zero is an exception of Kafka\'s where there is something to read',
    matches: difference => {
      if (difference.step?.api !== 'Fetch') return false;
      const { ours, kafka } = partitionOf(difference);
      // In a session a partition that has no news is left out, an error never.
      if (difference.path === 'answer.responses.length') return hasLimitBelowZero(difference) && wholeOf(difference.answers.ours).responses.some(({ errorCode }) => errorCode === INVALID_REQUEST);
      // Where what was read before has used the limit up, Kafka does not come to its exception.
      return ours?.errorCode === INVALID_REQUEST && (kafka?.errorCode === UNKNOWN_SERVER_ERROR || (kafka?.errorCode === 0 && hasLimitBelowZero(difference)));
    },
  },
  {
    id: 'session-id-out-of-range',
    reason: 'session ids that Kafka\'s shards do not cover are an exception of Kafka\'s',
    // A session that is opened meanwhile is one to us only.
    ends: true,
    matches: ({ step, path, answers }) => step?.api === 'Fetch' && step.version >= 7 && path.startsWith('answer.') && isBeyondShards(step.body) && wholeOf(answers.kafka).errorCode === UNKNOWN_SERVER_ERROR,
  },
  {
    id: 'fetch-of-no-topic',
    reason: 'the zero topic id in a session, or for two partitions, is an exception of Kafka\'s',
    ends: true,
    matches: ({ step, path, answers }) => {
      if (step?.api !== 'Fetch' || step.version < 13) return false;
      const { errorCode, responses } = wholeOf(answers.ours);
      if (errorCode !== INVALID_REQUEST && !responses.some(each => each['topicId'] === ZERO_ID)) return false;
      // Where the fetch had to wait, nobody catches the exception: there is no answer.
      if ((answers.kafka as { kind?: string }).kind === 'silence') return (step.patience ?? 0) > 0;
      return ['answer.errorCode', 'answer.sessionId', 'answer.responses.length'].includes(path) && wholeOf(answers.kafka).errorCode === UNKNOWN_SERVER_ERROR;
    },
  },
  {
    id: 'isolation-levels',
    reason: 'an isolation level that there is not is an exception of Kafka\'s',
    // Kafka comes to it only when it reads, and opens a session first.
    ends: true,
    matches: difference => {
      const { step, path, ours, kafka } = difference;
      if (step === undefined || !hasIsolation(difference)) return false;
      if (step.api === 'ListOffsets') return path.endsWith('.errorCode') && ours === INVALID_REQUEST && kafka === UNKNOWN_SERVER_ERROR;
      return step.api === 'Fetch' && isRefused(difference.answers.ours, INVALID_REQUEST);
    },
  },
  {
    id: 'woken-by-the-first',
    reason: 'a fetch that waits goes on when one of the logs that a produce request writes to has its records; Kafka writes to all of them first',
    matches: ({ step, path, answers }) => {
      if (step?.api !== 'Fetch' || ![answers.ours, answers.kafka].every(each => (each as { came?: string }).came === 'after a wait')) return false;
      const [ours, kafka] = [wholeOf(answers.ours).responses, wholeOf(answers.kafka).responses];
      const empty = (told: Told | undefined): boolean => told?.errorCode === 0 && Array.isArray(told['records']) && told['records'].length === 0;
      // With a small limit the later partitions of ours have what the earlier ones of Kafka's took.
      return /\]\.(highWatermark|lastStableOffset|records)/.test(path) && ours.length === kafka.length && !ours.every(empty) && ours.some((each, at) => empty(each) && kafka[at]?.errorCode === 0 && !empty(kafka[at]));
    },
  },
];

/** One partition's two answers, and what differs in it. */
function partitionOf({ path, answers }: Difference): { readonly ours?: Told | undefined; readonly kafka?: Told | undefined; readonly field: string } {
  const found = /^answer\.responses\[(\d+)\]\.(\w+)/.exec(path);
  if (found === null) return { field: '' };
  const told = (answer: unknown): Told | undefined => wholeOf(answer).responses[Number(found[1])];
  return { ours: told(answers.ours), kafka: told(answers.kafka), field: found[2]! };
}

function isBeyondShards(body: object): boolean {
  const { sessionId } = body as Body;
  return typeof sessionId === 'number' && (sessionId <= -SHARD || sessionId >= SHARDS * SHARD);
}

/** Nothing, where there was no answer. */
function wholeOf(told: unknown): { readonly errorCode?: number; readonly responses: readonly Told[] } {
  return (told as { answer?: { errorCode: number; responses: Told[] } }).answer ?? { responses: [] };
}

function hasLimitBelowZero({ step }: Difference): boolean {
  const { maxBytes = 0, topics } = (step?.body ?? {}) as { maxBytes?: number; topics?: readonly { partitions: readonly { partitionMaxBytes: number }[] }[] };
  return maxBytes < 0 || (topics ?? []).some(({ partitions }) => partitions.some(({ partitionMaxBytes }) => partitionMaxBytes < 0));
}

/** The request names an isolation level that there is not. */
function hasIsolation({ step }: Difference): boolean {
  const { isolationLevel = 0 } = (step?.body ?? {}) as Body;
  return isolationLevel !== 0 && isolationLevel !== 1;
}

/** By its own code, and before sessions by that of each partition. */
function isRefused(answer: unknown, code: number): boolean {
  const { errorCode, responses } = wholeOf(answer);
  return errorCode === code || (responses.length > 0 && responses.every(each => each.errorCode === code));
}
