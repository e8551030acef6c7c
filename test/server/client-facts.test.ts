import { expect, test } from 'vitest';
import { clientFacts, javaAddress } from '../../src/server/client-facts.js';
import { contextOf } from './handlers/support.js';

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::1', '0:0:0:0:0:0:0:1'],
  ['::', '0:0:0:0:0:0:0:0'],
  ['fe80::1:02ab', 'fe80:0:0:0:0:0:1:2ab'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2:3:4:5:6'],
  ['::ffff:10.1.2.3', '10.1.2.3'],
  ['64:ff9b::10.1.2.3', '64:ff9b:0:0:0:0:a01:203'],
  ['fe80::1%eth0', 'fe80:0:0:0:0:0:0:1%eth0'],
])('%s is %s to Java', (here, java) => {
  expect(javaAddress(here)).toBe(java);
});

test('a client is known by its id and its address with a slash, as InetAddress prints it', () => {
  expect(clientFacts(contextOf(5, '10.0.0.7'))).toEqual({ apiVersion: 5, clientId: 'tester', clientHost: '/10.0.0.7' });
});
