import type { Grammar } from '../grammar.js';
import type { Bindings } from '../symbols.js';
import { ref } from '../symbols.js';

export const initProducerId: Grammar = {
  api: 'InitProducerId',
  weights: { producers: 8 },
  say(world) {
    const { chance } = world;
    if (chance.percent(70)) {
      const n = world.producers.length;
      world.producers.push({ n, chosen: null, epoch: 0, next: new Map() });
      return { body: { transactionalId: null, transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 }, binds: `producer:${n}`, faithful: true };
    }
    return {
      body: {
        transactionalId: chance.percent(90) ? null : '', transactionTimeoutMs: chance.pick([60_000, 0, -1]),
        producerId: chance.pick([-1, 0, 5, ref('producer:0', 7)]), producerEpoch: chance.pick([-1, 0, 3]),
      },
    };
  },
  learn(answer: { producerId: number }, bindings: Bindings, binds: string) {
    if (answer.producerId >= 0) bindings.bind(binds, answer.producerId);
  },
};
