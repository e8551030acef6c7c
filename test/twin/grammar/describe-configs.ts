import type { Grammar } from '../grammar.js';
import { alteredKey, ofTopicsOnly, type Resources } from './config-resources.js';

export const describeConfigs: Grammar = {
  api: 'DescribeConfigs',
  readsOwnWrites: (body: Resources) => ofTopicsOnly(body),
  weights: { configs: 12, admin: 2, cluster: 3 },
  say(world) {
    const { chance } = world;
    return {
      body: {
        resources: twice(chance.percent(8), chance.some(chance.weighted([[1, 5], [2, 2]]), () => {
          const resourceType = chance.weighted([[2, 10], [4, 3], [8, 1], [0, 1], [1, 1], [3, 1], [16, 1], [32, 1], [99, 1]]);
          return {
            resourceType,
            resourceName: resourceType === 4 || resourceType === 8 ? chance.weighted<string>([['0', 6], ['', 4], ['1', 1], ['x', 1], ['-1', 1]]) : world.topicName(),
            configurationKeys: chance.weighted<string[] | null>([[null, 3], [[alteredKey(world, resourceType), alteredKey(world, resourceType)], 6], [[], 1]]),
          };
        })),
        includeSynonyms: chance.percent(40),
        includeDocumentation: chance.percent(15),
      },
    };
  },
  unordered: { results: ['resourceType', 'resourceName', 'errorCode'], 'results.configs': ['name'] },
};

function twice<T>(so: boolean, list: readonly T[]): readonly T[] {
  return so ? [...list, ...list] : list;
}
