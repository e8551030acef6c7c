// What a client may count on, whoever serves. Runs against the embedded server in `npm test` and against Apache's in
// test/interop/zookeeper, so that neither the client nor the embedded server has a ZooKeeper of its own invention.
import { describe, expect, test } from 'vitest';
import { bytes, codeOf, makeClient } from './kit.js';
import { sessionSuite } from './suite-sessions.js';
import { treeSuite } from './suite-tree.js';
import { rawExchange } from './wire.js';
import { Worlds, type Target } from './worlds.js';

export function zooKeeperSuite(name: string, target: Target): void {
  const worlds = new Worlds(name, target);
  treeSuite(worlds);
  sessionSuite(worlds);

  describe(`${name}: the wire`, () => {
    test('answers ruok', async () => {
      expect((await rawExchange(target.address(), bytes('ruok'))).toString()).toBe('imok');
    });

    test.each([
      ['a negative length', Buffer.from('ffffffff', 'hex')],
      ['a length beyond the limit', Buffer.from('7fffffff00', 'hex')],
      ['a handshake cut short within its packet', Buffer.from('0000000400000000', 'hex')],
    ])('%s ends the connection', async (_, sent) => {
      expect(await rawExchange(target.address(), sent)).toEqual(Buffer.alloc(0));
    });

    test('a client that is still dialing can be closed', async () => {
      const zk = makeClient('127.0.0.1:1', { sessionTimeoutMs: target.longSessionMs });
      const connecting = codeOf(zk.connect());
      await zk.close();
      expect(await connecting).toBe('CLOSED');
    });
  });
}
