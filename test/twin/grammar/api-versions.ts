import type { Grammar } from '../grammar.js';

export const apiVersions: Grammar = {
  api: 'ApiVersions',
  weights: { cluster: 6, records: 1 },
  say: ({ chance }) => ({
    body: {
      clientSoftwareName: chance.pick(['twin', 'a-b.c', '-a', 'a b', '', 'é']),
      clientSoftwareVersion: chance.pick(['1.0', '1', '.1', '']),
    },
  }),
  unordered: { apiKeys: ['apiKey'] },
};
