// What requests of a controller have in common. Whoever may speak to a broker may claim to be its controller, but a newer
// epoch than the real one's would be believed by both brokers and end all conversations: only old ones are claimed, and
// the present one for what changes nothing.

import { ref } from '../symbols.js';
import { idOf, nameOf, ZERO_ID, type World } from '../world.js';

export function controllerWords(world: World): { controllerId: number; controllerEpoch: number; brokerEpoch: number } {
  const { chance } = world;
  return {
    controllerId: chance.weighted([[0, 6], [1, 1], [-1, 1]]),
    controllerEpoch: chance.weighted([[0, 6], [-1, 2], [ref('controllerEpoch', 0), 3]]),
    brokerEpoch: chance.weighted([[-1, 5], [0, 3], [1, 1]]),
  };
}

/** A topic that is not there: nothing is made of it by whom is told of it with an old epoch. */
export function toldTopic(world: World): { topicName: string; topicId: string } {
  const topic = world.anyTopic();
  return world.chance.percent(80) ? { topicName: nameOf(topic), topicId: idOf(topic) } : { topicName: nameOf(topic), topicId: ZERO_ID };
}
