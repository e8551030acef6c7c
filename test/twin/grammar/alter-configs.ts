import type { Grammar } from '../grammar.js';
import { alteredKey, alteredName, alteredType, alteredValue, ofTopicsOnly, type Resources } from './config-resources.js';
import { restsForSettings } from './incremental-alter-configs.js';

export const alterConfigs: Grammar = {
  api: 'AlterConfigs',
  readsOwnWrites: (body: Resources) => ofTopicsOnly(body),
  weights: { configs: 6, admin: 1 },
  say(world) {
    const { chance } = world;
    return {
      body: {
        resources: chance.some(chance.weighted([[1, 6], [2, 1]]), () => {
          const resourceType = alteredType(world);
          return {
            resourceType,
            resourceName: alteredName(world, resourceType),
            configs: chance.some(chance.weighted([[1, 5], [2, 3], [0, 2]]), () => ({ name: alteredKey(world, resourceType), value: alteredValue(world, resourceType) })),
          };
        }),
        validateOnly: chance.percent(15),
      },
    };
  },
  rests: restsForSettings,
  unordered: { responses: ['resourceType', 'resourceName'] },
};
