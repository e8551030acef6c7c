// The addon by itself: whatever is said to it, it answers or throws. A crash would take the test with it, so each story
// runs in a process of its own.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { freshDirectory } from '../support/broker.js';

const ADDON = join(import.meta.dirname, '../../build/Release/odradek.node');

const PRELUDE = `
  import { createRequire } from 'node:module';
  import assert from 'node:assert';
  import { Worker, isMainThread } from 'node:worker_threads';
  const require = createRequire(${JSON.stringify(`${ADDON}/..`)});
  const { Exchange } = require(${JSON.stringify(ADDON)});
  const directory = process.argv.at(-1);
  const options = (more = {}) => ({
    networkThreads: 1, logThreads: 1, arenaBytes: 64 << 20, maxRequestBytes: 1 << 20, queuedMaxBytes: 8 << 20, maxInFlight: 16,
    maxQueuedResponseBytes: 1 << 20, connectionsMaxIdleMs: 60000, maxConnections: 100, sendBufferBytes: 0, receiveBufferBytes: 0, onWake() {}, ...more,
  });
  const logOptions = (more = {}) => ({
    segmentBytes: 1 << 20, segmentMs: 1e12, segmentJitterMs: 0, jitterSeed: 1, indexIntervalBytes: 4096, indexMaxBytes: 1 << 16, maxMessageBytes: 1 << 20,
    flushMessages: 2 ** 53, timestampBeforeMaxMs: 2 ** 63, timestampAfterMaxMs: 2 ** 63, ...more,
  });
  const methods = Object.getOwnPropertyNames(Exchange.prototype).filter(name => name !== 'constructor' && name !== 'close');
  /** Polls until the job with this cookie has ended; says its code. */
  const job = async (exchange, cookie) => {
    for (;;) {
      const polled = exchange.poll();
      for (let at = 0; at < Math.floor(polled / 65536); at++) if (exchange.completions[at * 10] === 5 && exchange.completions[at * 10 + 2] === cookie) return exchange.completions[at * 10 + 3];
      await new Promise(resolve => setImmediate(resolve));
    }
  };
`;

/** Runs a module in its own process; resolves with its output if it ended well. */
async function alone(story: string, ...args: string[]): Promise<string> {
  const child = spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', PRELUDE + story, '--', ...args, freshDirectory()], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  let err = '';
  child.stdout.on('data', text => { out += String(text); });
  child.stderr.on('data', text => { err += String(text); });
  const [code, signal] = await new Promise<[number | null, string | null]>(resolve => child.once('close', (...how) => resolve(how)));
  expect({ code, signal, err }).toEqual({ code: 0, signal: null, err: '' });
  return out.trim();
}

test('wrong arguments are a TypeError that names them', async () => {
  await alone(`
    for (const bad of [undefined, null, 5, 'x', {}, { ...options(), onWake: 5 }, options({ networkThreads: 'many' }), options({ networkThreads: -1 }), options({ arenaBytes: undefined })]) {
      assert.throws(() => new Exchange(bad), TypeError);
    }
    assert.throws(() => Exchange(options()), TypeError);
    const exchange = new Exchange(options());
    const takesNothing = new Set(['poll', 'stats', 'stopListening']);
    for (const method of methods) {
      if (takesNothing.has(method)) continue;
      for (const bad of [[], [undefined], [null, null, null], ['x'.repeat(10)], [{}], [NaN], [() => {}], [Symbol('s')]]) {
        if ((method === 'lockFile') && typeof bad[0] === 'string') continue;
        assert.throws(() => exchange[method](...bad), TypeError, method + ' ' + String(bad.length));
      }
      assert.throws(() => Exchange.prototype[method].call({}, 1, 2, 3), Error, method);
    }
    exchange.close();
    process.exit(0);
  `);
});

test('options that make no sense are refused or survived', async () => {
  await alone(`
    for (const more of [{ networkThreads: 0 }, { logThreads: 0 }, { arenaBytes: 0 }, { arenaBytes: 1 }, { arenaBytes: 2 ** 40 }, { arenaBytes: -1 }, { maxInFlight: 0 }, { maxConnections: 0 }, { maxRequestBytes: 0 }, { queuedMaxBytes: 0 }, { maxRequestBytes: 2 ** 32 - 1 }]) {
      try { new Exchange(options(more)).close(); } catch (error) { assert(error instanceof Error); }
    }
    console.log('well');
  `);
});

test('after close nothing is done, nothing crashes, and the shared memory may still be touched', async () => {
  await alone(`
    let exchange = new Exchange(options());
    const { arena, events, completions, commands, watched, sliceFacts } = exchange;
    exchange.close();
    exchange.close();
    for (const method of methods) {
      if (method === 'unlockFile') { exchange.unlockFile(0); continue; }
      assert.throws(() => exchange[method](1, 1, 1, 1, true, true, 1), Error, method);
    }
    exchange = undefined;
    for (let n = 0; n < 10; n++) { gc(); await new Promise(resolve => setImmediate(resolve)); }
    new Uint8Array(arena).fill(1, 0, Math.min(4096, arena.byteLength));
    for (const shared of [events, completions, commands, watched, sliceFacts]) { shared[0] = 1; shared[shared.length - 1] = 1; }
    console.log('well');
  `);
});

test('an exchange nobody holds is collected, its memory only when nobody holds that either', async () => {
  await alone(`
    const arenas = [];
    for (let n = 0; n < 20; n++) {
      const exchange = new Exchange(options());
      if (n % 2 === 0) exchange.close();
      if (n % 5 === 0) arenas.push(exchange.arena);
    }
    for (let n = 0; n < 20; n++) { gc(); await new Promise(resolve => setImmediate(resolve)); }
    for (const arena of arenas) new Uint8Array(arena).fill(7, 0, Math.min(4096, arena.byteLength));
    console.log('well');
    process.exit(0);
  `);
});

test('loaded in worker threads, ended in the middle, and again', async () => {
  await alone(`
    const code = ${JSON.stringify(PRELUDE)}.replaceAll('process.argv.at(-1)', 'require("node:worker_threads").workerData') + \`
      const exchange = new Exchange(options());
      exchange.listen(0, '127.0.0.1', 0, 10);
      exchange.openLog(1, directory + '/' + Math.random(), logOptions(), 0, 0, true);
      require('node:worker_threads').parentPort.postMessage('up');
      setInterval(() => exchange.poll(), 1);
    \`;
    const own = new Exchange(options());
    for (let round = 0; round < 5; round++) {
      const workers = await Promise.all([0, 1].map(() => new Promise((resolve, reject) => {
        const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(code)), { workerData: directory });
        worker.once('message', () => resolve(worker));
        worker.once('error', reject);
      })));
      await Promise.all(workers.map(worker => worker.terminate()));
      assert.equal(own.poll(), 0);
    }
    own.close();
    console.log('well');
  `);
});

test('commands that contradict their layout, or name what is not theirs, are refused', async () => {
  await alone(`
    const exchange = new Exchange(options());
    exchange.openLog(1, directory + '/log-0', logOptions(), 0, 0, true);
    assert.equal(await job(exchange, 1), 0);
    const block = exchange.lease(1000);
    const capacity = exchange.arena.byteLength;
    const say = (...words) => { exchange.commands.set(words); exchange.flush(words.length); };
    const refused = (...words) => assert.throws(() => say(...words), TypeError, words.join(' '));
    refused(99); refused(0); refused(-1); refused(NaN); refused(Infinity);
    refused(1); refused(1, 5); refused(1, 5, 1); refused(1, 5, 1e9, 0, 0); refused(1, 5, -1, 0, 0); refused(1, 5, NaN, 0, 0);
    refused(1, 5, 1, capacity, 10); refused(1, 5, 1, capacity - 5, 10); refused(1, 5, 1, -1, 10); refused(1, 5, 1, NaN, 10); refused(1, 5, 1, block, NaN);
    refused(1, 5, 1, 77, -1); refused(1, 5, 1, -1, -1); refused(1, 5, 1, NaN, -1);
    refused(2); refused(3); refused(4);
    refused(5, 0, block, 61); refused(5, 0, capacity, 61, 0, 0, 0, 0); refused(5, 0, block, capacity + 1, 0, 0, 0, 0); refused(5, 0, -1, 61, 0, 0, 0, 0); refused(5, 0, NaN, 61, 0, 0, 0, 0);
    const append = [0, block, 61, 0, 0, 0, 0];
    // No answer was begun there; it has no such row; its places lie outside of it; they are not all of them.
    refused(6, 5, block, 10, 0); refused(6, 5, 0, 0, 0); refused(8, 5, 0, ...append); refused(8, 4e9, 0, ...append); refused(6, NaN, 0, 0, 0);
    refused(7); refused(7, 5, 0, -1); refused(7, 5, 65536, -1); refused(7, 5, 1, NaN); refused(7, 5, 1, -2); refused(7, NaN, 1, -1);
    say(7, 5, 2, 1000);
    refused(7, 5, 2, 1000); refused(8, 5, 2, ...append); refused(8, 5, 0, 0, capacity, 61, 0, 0, 0, 0); refused(8, 5, 0, 0, block, 61); refused(8, 5 + 2 ** 20, 0, ...append);
    refused(6, 5, block, 100, 1, 0, 8, 16); refused(6, 5, block, 100, 2, 0, 8, 16); refused(6, 5, capacity, 100, 2, 0, 8, 16, -1, -1, -1);
    refused(6, 5, block, 10, 2, 3, -1, -1, -1, -1, -1); refused(6, 5, block, 10, 2, 1e8, -1, -1, -1, -1, -1); refused(6, 5, 0, -2, 0); refused(6, 5, 0, 0, 2, -1, -1, -1, -1, -1, -1);
    refused(9); refused(9, 0, NaN, 0); refused(9, 0, 5, -1); refused(9, NaN, 5, 0);
    for (const length of [2 ** 31, 65 * 1024, 64 * 1024 + 1]) assert.throws(() => exchange.flush(length), TypeError);
    // Slots that are nobody's and logs that are closed are no mistake: connections end and topics go while answers are on their way.
    say(2, 5); say(3, 4e9); say(4, 12345); say(1, 5, 1, block, 100);
    say(5, 0, block, 61, 0, 0, 0, 0); say(5, 1, block, 61, 0, 0, 0, 0); say(5, 60000, block, 61, 0, 0, 0, 0);
    say(9, 0, 2 ** 60, 0); say(9, 40, 5, 20); say(9, 60000, 5, 20);
    say(8, 5, 1, 40, block, 61, 0, 0, 0, 0, 6, 5, block, 100, 2, -1, -1, -1, 0, 8, 16);
    for (const offset of [capacity, capacity - 65536, 2 ** 32 - 1, block + 65536 * 8]) assert.throws(() => exchange.release(offset), Error, String(offset));
    exchange.poll();
    const { slot, outcomes } = exchange.failedAnswer(5);
    assert.deepEqual([slot, outcomes.length, outcomes[0].row, outcomes[0].code, outcomes[0].refusal], [5, 1, 1, 1, 0]);
    assert.deepEqual(exchange.failedAnswer(5).outcomes, []);
    // It may be given again, and has to be closed again.
    refused(7, 5, 3, 1000); refused(8, 5, 1, ...append);
    say(7, 5, 2, 1000, 6, 5, 0, -1, 0);
    refused(6, 5, 0, 0, 0);
    exchange.release(block);
    assert.throws(() => exchange.release(block), Error);
    for (const answer of [0, 1, 1000, 2 ** 32 - 1]) assert.throws(() => exchange.failedAnswer(answer), TypeError, 'answer ' + answer);
    exchange.releaseSlice(5); exchange.releaseSlice(2 ** 32 - 1);
    assert.equal(exchange.sliceLength(5), 0);
    exchange.close();
    console.log('well');
  `);
});

test('any method with any numbers, on logs in any state: an answer or an error', async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  console.log(`seed ${seed}`);
  await alone(`
    let seed = Number(process.argv.at(-2));
    const random = below => { seed = (seed * 1103515245 + 12345) % 2147483648; return Math.floor(seed / 2147483648 * below); };
    const numbers = [0, 0, 1, 1, 2, 3, 5, -1, -2, 100, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53, -(2 ** 53), 2 ** 63, -(2 ** 63), 1e300, -1e300, 0.5, Infinity, -Infinity, NaN];
    const number = () => numbers[random(numbers.length)];
    const exchange = new Exchange(options());
    let cookie = 1;
    const open = [];
    for (let n = 0; n < 3; n++) {
      exchange.openLog(cookie, directory + '/log-' + n, logOptions({ segmentBytes: 2000, indexMaxBytes: 80 }), 0, 0, true);
      await job(exchange, cookie++);
    }
    const wild = {
      openLog: () => [cookie++, directory + '/log-' + random(6), logOptions({ segmentBytes: [0, 14, 1000, 2 ** 31 - 1, 2 ** 32 - 1][random(5)], indexMaxBytes: [0, 1, 8, 12, 4096][random(5)], segmentJitterMs: number(), indexIntervalBytes: random(100), flushMessages: [0, 1, 100][random(3)] }), number(), number(), random(2) === 0],
      configureLog: () => [random(6), logOptions({ segmentBytes: [0, 14, 1000][random(3)], indexMaxBytes: [0, 12, 4096][random(3)], flushMessages: [0, 1, -1][random(3)] })],
      logFacts: () => [random(6), new Float64Array(random(8))],
      locateHot: () => [random(6), number(), number(), number(), random(4)],
      locate: () => [cookie++, random(6), number(), number(), number(), random(4)],
      readSlice: () => [cookie++, random(6), new Uint8Array(random(200))],
      findByTimestamp: () => [cookie++, random(6), number(), number()],
      maxTimestamp: () => [cookie++, random(6)],
      segments: () => [cookie++, random(6), new Float64Array(random(8))],
      scan: () => [cookie++, random(6), number(), new Float64Array(random(40))],
      closeLog: () => [cookie++, random(6), random(2) === 0],
      inspect: () => [cookie++, random(6), new Uint8Array(random(100)).map(() => random(256)), number(), new Float64Array(random(20))],
      inflate: () => [cookie++, random(6), new Uint8Array(random(100)).map(() => random(256)), new Uint8Array(random(100))],
      releaseSlice: () => [random(6)], sliceLength: () => [random(6)], forgetLog: () => [random(6)],
      lease: () => [number()], release: () => [number()], failedAnswer: () => [number()], commitAlone: () => [random(6), random(2) === 0], takeBack: () => [random(6), number()], expireParked: () => [number()],
      closeConnection: () => [number()], pauseConnection: () => [number(), true], peerAddress: () => [number()],
      listen: () => [number(), ['127.0.0.1', '', 'nowhere.invalid.', '::1', '256.0.0.1'][random(5)], number(), number()],
      lockFile: () => [directory + '/lock-' + random(3)], unlockFile: () => [number()],
      flush: () => [0], poll: () => [], stats: () => [], stopListening: () => [],
    };
    for (const method of ['beginEpoch', 'truncate', 'truncateFullyAndStartAt', 'setLogStartOffset', 'deleteSegmentsBelow', 'purgeDeleted']) wild[method] = () => [cookie++, random(6), number()];
    for (const method of ['roll', 'flushLog', 'flushRolled', 'abandonLog']) wild[method] = () => [cookie++, random(6)];
    for (const method of methods) assert(method in wild, method);
    const names = Object.keys(wild).filter(name => name !== 'listen');
    for (let n = 0; n < 4000; n++) {
      const name = n % 200 === 0 ? 'listen' : names[random(names.length)];
      try { exchange[name](...wild[name]()); } catch (error) { assert(error instanceof Error, name); }
      if (n % 20 === 0) { exchange.poll(); await new Promise(resolve => setImmediate(resolve)); }
    }
    exchange.close();
    console.log('well');
    process.exit(0);
  `, String(seed));
});
