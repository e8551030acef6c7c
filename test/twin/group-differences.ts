// What differs on purpose in the apis of consumer groups. Behind most of these Kafka's group, or the connection, is no
// longer of use: nothing behind them is compared.

import type { Difference } from './compare.js';
import type { Allowed } from './differences.js';

export const groupDifferences: readonly Allowed[] = [
  {
    id: 'group-of-no-path',
    reason: 'an exception of Kafka\'s where offsets are kept in ZooKeeper and the group\'s id is no path',
    matches: ({ step, path, ours, kafka }) => step?.version === 0 && path.endsWith('.errorCode') && kafka === -1
      && ((step.api === 'OffsetCommit' && ours === 24) || (step.api === 'OffsetFetch' && ours === 3)),
  },
  {
    id: 'transaction-coordinator',
    reason: 'transactions are not served yet',
    matches: ({ step }) => step?.api === 'FindCoordinator' && (step.body as { keyType?: number }).keyType === 1,
  },
  {
    id: 'offset-fetch-of-nothing',
    reason: 'Kafka fails while it counts the errors of an empty answer, and its connection is stuck',
    ends: true,
    matches: difference => difference.step?.api === 'OffsetFetch' && difference.step.version >= 8 && listed(difference, 'groups').length === 0 && isSilent(difference),
  },
  {
    id: 'protocol-named-twice',
    reason: 'Kafka counts it twice, finds no protocol that all members support, and the group is stuck',
    ends: true,
    matches: difference => difference.step?.api === 'JoinGroup' && isStuck(difference) && namesTwice(difference),
  },
  {
    id: 'garbled-subscription',
    reason: 'Kafka fails on a subscription that claims more than there is, and the group is stuck',
    ends: true,
    matches: difference => difference.step?.api === 'JoinGroup' && isStuck(difference) && listed<{ metadata: Uint8Array }>(difference, 'protocols').some(({ metadata }) => metadata.length === 100),
  },
  {
    id: 'pending-id-with-instance',
    reason: 'an illegal state to Kafka',
    ends: true,
    matches: difference => difference.step?.api === 'JoinGroup' && errorOf(difference.answers.kafka) === -1 && [25, 82].includes(errorOf(difference.answers.ours) ?? 0),
  },
  {
    id: 'next-leader',
    reason: 'when a leader is gone, Kafka takes whoever comes first in a hash map of ids that are random',
    ends: true,
    // Whoever leads is told of all members, and the others of none.
    matches: ({ step, path, answers }) => step?.api === 'JoinGroup' && ['answer.leader', 'answer.members.length'].includes(path)
      && generationOf(answers.ours) > 1 && generationOf(answers.ours) === generationOf(answers.kafka) && leaderOf(answers.ours) !== leaderOf(answers.kafka),
  },
  {
    id: 'forgotten-join',
    reason: 'a member that asks again, or leaves, takes its first request with it; Kafka never answers that one',
    ends: true,
    matches: difference => ['JoinGroup', 'SyncGroup'].includes(difference.step?.api ?? '') && isSilent(difference) && [25, 27].includes(errorOf(difference.answers.ours) ?? 0),
  },
];

function isSilent({ answers }: Difference): boolean {
  return (answers.kafka as { kind?: string }).kind === 'silence';
}

function isStuck(difference: Difference): boolean {
  return isSilent(difference) || errorOf(difference.answers.kafka) === -1;
}

function errorOf(told: unknown): number | undefined {
  return (told as { answer?: { errorCode?: number } }).answer?.errorCode;
}

function generationOf(told: unknown): number {
  return (told as { answer?: { generationId?: number } }).answer?.generationId ?? -1;
}

function leaderOf(told: unknown): string | undefined {
  return (told as { answer?: { leader?: string } }).answer?.leader;
}

function listed<Row>({ step }: Difference, list: string): readonly Row[] {
  return step === undefined ? [] : (step.body as Record<string, readonly Row[] | undefined>)[list] ?? [];
}

function namesTwice(difference: Difference): boolean {
  const names = listed<{ name: string }>(difference, 'protocols').map(({ name }) => name);
  return new Set(names).size < names.length;
}
