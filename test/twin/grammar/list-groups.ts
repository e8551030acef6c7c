import type { Grammar } from '../grammar.js';

interface Answer {
  readonly groups: readonly { readonly groupId: string }[];
}

export const listGroups: Grammar = {
  api: 'ListGroups',
  weights: { groups: 3 },
  say: ({ chance }) => ({
    body: {
      statesFilter: chance.weighted([[[], 4], [['Stable'], 2], [['Empty', 'stable'], 2], [['preparingrebalance', 'CompletingRebalance'], 1], [['Dead', 'x'], 1]]),
      typesFilter: chance.weighted([[[], 4], [['classic'], 1], [['Consumer'], 1], [['x'], 1]]),
    },
  }),
  /** All conversations' groups are listed: the others' are not this one's. */
  within: (answer: Answer, prefix: string) => ({ ...answer, groups: answer.groups.filter(({ groupId }) => groupId.startsWith(prefix)) }),
  unordered: { groups: ['groupId'] },
};
