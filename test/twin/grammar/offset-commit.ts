import type { Grammar } from '../grammar.js';
import { wordsOf } from './generation.js';

export const offsetCommit: Grammar = {
  api: 'OffsetCommit',
  weights: { offsets: 22, groups: 8 },
  say(world) {
    const { chance } = world;
    const member = chance.percent(55) ? world.member() : undefined;
    const { groupId, memberId, groupInstanceId, generationId } = wordsOf(world, member);
    const simple = member === undefined && chance.percent(75);
    return {
      body: {
        groupId, groupInstanceId, memberId: simple ? '' : memberId, generationIdOrMemberEpoch: simple ? -1 : generationId,
        retentionTimeMs: chance.weighted([[-1, 6], [100_000_000, 1], [0, 1]]),
        topics: chance.some(chance.weighted([[1, 5], [2, 2]]), () => ({
          name: world.topicName(),
          partitions: chance.some(chance.weighted([[1, 5], [2, 2]]), () => ({
            partitionIndex: world.partition(),
            committedOffset: chance.weighted([[chance.int(50), 10], [-1, 1], [-2, 1], [5_000_000_000, 1]]),
            committedLeaderEpoch: chance.weighted([[-1, 4], [0, 2], [7, 1], [-2, 1]]),
            commitTimestamp: chance.weighted([[-1, 5], [1_700_000_000_000, 1]]),
            committedMetadata: chance.weighted<string | null>([['m', 6], ['', 2], [null, 1], ['x'.repeat(4096), 1], ['x'.repeat(4097), 1]]),
          })),
        })),
      },
    };
  },
  unordered: { topics: ['name'], 'topics.partitions': ['partitionIndex'] },
};
