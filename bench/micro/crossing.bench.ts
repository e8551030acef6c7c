import assert from 'node:assert/strict';
import { bench } from './harness.js';
import { ScratchExchange } from './scratch-exchange.js';

await bench('poll', {
  question: 'what does one crossing into native code cost when nothing waits there?',
  bound: 'a call through Node-API, 60 to 90 ns',
  params: [{ calls: 10 }, { calls: 10_000 }],
  items: params => params.calls,
  item: 'call',
  setup({ calls }) {
    const exchange = new ScratchExchange();
    return {
      run() {
        let found = 0;
        for (let i = 0; i < calls; i += 1) found += exchange.native.poll();
        return found;
      },
      verify: found => assert.equal(found, 0),
      close: () => exchange.close(),
    };
  },
});
