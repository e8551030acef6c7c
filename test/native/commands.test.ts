import { expect, test } from 'vitest';
import { Commands } from '../../src/native/commands.js';
import { Command, type NativeExchange } from '../../src/native/exchange.js';

function story(): { commands: Commands; handedOver: () => number[] } {
  const words = new Float64Array(64 * 1024);
  let handed: number[] = [];
  const commands = new Commands({ commands: words, flush: (used: number) => { handed = [...words.subarray(0, used)]; } } as unknown as NativeExchange);
  return { commands, handedOver: () => { commands.flush(); return handed; } };
}

const APPEND = [Command.append, 1, 4096, 70, 0, 16, 0, 0];

test('an answer that is given up half-way leaves what came before and behind as it was', () => {
  const { commands, handedOver } = story();
  commands.fail(7);
  commands.answer(8, 100, 50, 2);
  commands.place(1, 2, 3);
  commands.forgetAnswer();
  commands.fail(9);
  expect(handedOver()).toEqual([Command.fail, 7, Command.fail, 9]);
});

test('appends that were given already go to their logs: those were told to expect them', () => {
  const { commands, handedOver } = story();
  commands.fail(7);
  commands.answer(8, 100, 50, 2);
  for (let append = 0; append < 2; append++) commands.place(1, 2, 3);
  commands.append(1, 4096, 70, 0, 16, 0, 0, true);
  commands.forgetAnswer();
  commands.fail(9);
  expect(handedOver()).toEqual([Command.fail, 7, ...APPEND, Command.fail, 9]);
});
