// The suite of test/zookeeper against Apache ZooKeeper 3.8.4: what it shows of the embedded server must hold there too.
import { afterAll, beforeAll } from 'vitest';
import { zooKeeperSuite } from '../../zookeeper/support/suite.js';
import { ZooKeeper } from '../harness/zookeeper.js';

let apache: ZooKeeper;

beforeAll(async () => {
  apache = await ZooKeeper.start();
});

afterAll(() => apache.destroy());

zooKeeperSuite('Apache', {
  address: () => apache.connect,
  // Its tick is 500 ms: sessions last from 1 to 10 s, and there time passes by itself.
  shortSessionMs: 1000,
  longSessionMs: 10_000,
  timePasses: () => {},
});
