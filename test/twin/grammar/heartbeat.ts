import type { Grammar } from '../grammar.js';
import { wordsOf } from './generation.js';

export const heartbeat: Grammar = {
  api: 'Heartbeat',
  weights: { groups: 10 },
  say: world => ({ body: wordsOf(world, world.member()) }),
};
