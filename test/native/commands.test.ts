import { expect, test } from 'vitest';
import { Commands } from '../../src/native/commands.js';
import { Command, type NativeExchange } from '../../src/native/exchange.js';

const WORDS = 64 * 1024;

function story(): { commands: Commands; handedOver: () => number[][] } {
  const words = new Float64Array(WORDS);
  const handed: number[][] = [];
  const commands = new Commands({ commands: words, flush: (used: number) => { handed.push([...words.subarray(0, used)]); } } as unknown as NativeExchange);
  return { commands, handedOver: () => { commands.flush(); return handed; } };
}

test('an answer is begun, gets its appends, and is closed: other commands may stand between', () => {
  const { commands, handedOver } = story();
  commands.begin(8, 2, 500);
  commands.appendRow(8, 1, 3, 4096, 70, 5, 16, 1, 9);
  commands.fail(7);
  commands.answer(8, 100, 50, 2);
  commands.place(-1, -1, -1);
  commands.place(1, 2, 3);
  commands.endAnswer(9, true);
  commands.advance(3, 1000, 20);
  expect(handedOver()).toEqual([[
    Command.begin, 8, 2, 500,
    Command.appendRow, 8, 1, 3, 4096, 70, 5, 16, 1, 9,
    Command.fail, 7,
    Command.answer, 8, 100, 50, 2, -1, -1, -1, 1, 2, 3,
    Command.answer, 9, 0, -1, 0,
    Command.advance, 3, 1000, 20,
  ]]);
});

test('the places of an answer go over with it, however many they are', () => {
  const { commands, handedOver } = story();
  const rows = 20_000;
  for (let row = 0; row < rows; row++) commands.appendRow(8, row, 3, 4096, 70, 5, 16, 1, 9);
  commands.answer(8, 100, 50, rows);
  for (let row = 0; row < rows; row++) commands.place(row, -1, -1);
  const handed = handedOver();
  expect(handed.reduce((sum, { length }) => sum + length, 0)).toBe(rows * 10 + 5 + rows * 3);
  expect(handed.at(-1)!.slice(0, 8)).toEqual([Command.answer, 8, 100, 50, rows, 0, -1, -1]);
});
