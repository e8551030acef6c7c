import { advertisedApis } from '../../../src/server/routes.js';
import type { Grammar } from '../grammar.js';

const SERVED = new Set(advertisedApis().map(({ apiKey }) => apiKey));

export const apiVersions: Grammar = {
  api: 'ApiVersions',
  weights: { cluster: 6, records: 1 },
  say: ({ chance }) => ({
    body: {
      clientSoftwareName: chance.pick(['twin', 'a-b.c', '-a', 'a b', '', 'é']),
      clientSoftwareVersion: chance.pick(['1.0', '1', '.1', '']),
    },
  }),
  /** Of the apis that are served here; Kafka has more (the README says which). */
  within({ apiKeys, ...answer }: { apiKeys: readonly { readonly apiKey: number }[] }) {
    return { ...answer, apiKeys: apiKeys.filter(({ apiKey }) => SERVED.has(apiKey)) };
  },
  unordered: { apiKeys: ['apiKey'] },
};
