import type { Grammar } from '../grammar.js';

export const describeCluster: Grammar = {
  api: 'DescribeCluster',
  weights: { cluster: 6 },
  say: ({ chance }) => ({ body: { includeClusterAuthorizedOperations: chance.percent(50), endpointType: chance.weighted([[1, 6], [2, 1], [0, 1]]) } }),
  unordered: { brokers: ['brokerId'] },
};
