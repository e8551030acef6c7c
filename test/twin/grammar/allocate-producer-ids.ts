import type { Grammar } from '../grammar.js';

/** A block that a broker of that epoch would get is not asked for: ids would part from then on. */
export const allocateProducerIds: Grammar = {
  api: 'AllocateProducerIds',
  weights: { cluster: 3 },
  say: ({ chance }) => ({ body: { brokerId: chance.weighted([[0, 4], [1, 2], [-1, 1]]), brokerEpoch: chance.pick([-1, 0, 1]) }, faithful: true }),
};
