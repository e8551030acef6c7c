import type { Grammar } from '../grammar.js';
import { alteredKey, alteredName, alteredType, alteredValue, ofTopicsOnly, type Resources } from './config-resources.js';

const SET = 0;
const DELETE = 1;

export const incrementalAlterConfigs: Grammar = {
  api: 'IncrementalAlterConfigs',
  readsOwnWrites: (body: Resources) => ofTopicsOnly(body),
  weights: { configs: 14, admin: 2 },
  say(world) {
    const { chance } = world;
    const mild = chance.percent(40);
    return {
      body: {
        resources: chance.some(chance.weighted([[1, 6], [2, 1]]), () => {
          const resourceType = alteredType(world);
          return {
            resourceType,
            resourceName: alteredName(world, resourceType),
            configs: mild && resourceType === 2 ? [mildly(world)] : chance.some(chance.weighted([[1, 5], [2, 3], [0, 1]]), () => ({
              name: alteredKey(world, resourceType), configOperation: chance.weighted([[SET, 8], [DELETE, 3], [2, 2], [3, 2], [4, 1], [-1, 1]]), value: alteredValue(world, resourceType),
            })),
          };
        }),
        validateOnly: chance.percent(15),
      },
    };
  },
  rests: restsForSettings,
  unordered: { responses: ['resourceType', 'resourceName'] },
};

/** What is written to ZooKeeper counts once the broker has heard of it, and its thread for that may be behind. */
export function restsForSettings({ responses }: { responses: readonly { readonly errorCode: number }[] }): number {
  return responses.some(({ errorCode }) => errorCode === 0) ? 100 : 0;
}

/** Such as changes what a topic takes and gives, and leaves it usable. */
function mildly({ chance }: { chance: { pick<T>(from: readonly T[]): T } }): object {
  const [name, value] = chance.pick([
    ['max.message.bytes', '600'], ['max.message.bytes', '50000'], ['cleanup.policy', 'compact'], ['cleanup.policy', 'delete'], ['message.timestamp.type', 'LogAppendTime'],
    ['message.timestamp.type', 'CreateTime'], ['segment.bytes', '1024'], ['message.timestamp.before.max.ms', '1000'], ['min.insync.replicas', '2'], ['index.interval.bytes', '0'],
  ] as const);
  return { name, configOperation: chance.pick([SET, SET, SET, DELETE]), value };
}
