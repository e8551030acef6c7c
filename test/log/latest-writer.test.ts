import { expect, test } from 'vitest';
import { LatestWriter } from '../../src/log/latest-writer.js';

/** A write that ends when told to. */
function controlled(): { written: number[]; writer: LatestWriter<number>; finish: (error?: Error) => Promise<void> } {
  const written: number[] = [];
  const running: { resolve(): void; reject(error: Error): void }[] = [];
  const writer = new LatestWriter<number>(state => {
    written.push(state);
    return new Promise((resolve, reject) => running.push({ resolve, reject }));
  });
  const finish = async (error?: Error): Promise<void> => {
    const write = running.shift()!;
    if (error) write.reject(error);
    else write.resolve();
    await new Promise(setImmediate);
  };
  return { written, writer, finish };
}

test('states that were overtaken while a write ran are never written, and their writers hear of the one that was', async () => {
  const { written, writer, finish } = controlled();
  const done: number[] = [];
  const write = (state: number): void => void writer.write(state).then(() => done.push(state));
  write(1);
  write(2);
  write(3);
  expect(written).toEqual([1]);
  await finish();
  expect(done).toEqual([1]);
  expect(written).toEqual([1, 3]);
  write(4);
  await finish();
  expect(done).toEqual([1, 2, 3]);
  await finish();
  expect(done).toEqual([1, 2, 3, 4]);
  expect(written).toEqual([1, 3, 4]);
});

test('a failed write is told to whoever waited for it, and the next one is tried', async () => {
  const { written, writer, finish } = controlled();
  const outcome = (state: number): Promise<string> => writer.write(state).then(() => 'written', () => 'failed');
  const first = outcome(1);
  const second = outcome(2);
  await finish(new Error('disk'));
  expect(await first).toBe('failed');
  await finish();
  expect(await second).toBe('written');
  expect(written).toEqual([1, 2]);
});

test('idle waits for what runs and for what waits behind it', async () => {
  const { writer, finish } = controlled();
  let idle = false;
  void writer.write(1);
  void writer.write(2);
  void writer.idle().then(() => { idle = true; });
  await finish();
  expect(idle).toBe(false);
  await finish();
  expect(idle).toBe(true);
});
