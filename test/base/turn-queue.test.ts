import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { silentLogger } from '../../src/base/logger.js';
import { systemTimers } from '../../src/base/timers.js';
import { TurnQueue } from '../../src/base/turn-queue.js';

test('work that throws, in a step or at its end, is over and told of; everybody else\'s goes on', async () => {
  const logged: string[] = [];
  const turns = new TurnQueue(systemClock, systemTimers, { ...silentLogger, error: fields => logged.push(String((fields as { error: unknown }).error)) });
  const story: string[] = [];
  let left = 3;
  await new Promise<void>(finished => {
    turns.work(() => { throw new Error('a step'); }, () => story.push('never'), () => story.push('the first broke'));
    turns.work(() => false, () => { throw new Error('an end'); }, () => { story.push('the second broke'); throw new Error('and again'); });
    turns.work(() => --left > 0, () => { story.push('the third is done'); finished(); }, () => story.push('never'));
  });
  expect(story).toEqual(['the first broke', 'the second broke', 'the third is done']);
  expect(logged.map(line => line.split('\n')[0])).toEqual(['Error: a step', 'Error: an end', 'Error: and again']);
});
