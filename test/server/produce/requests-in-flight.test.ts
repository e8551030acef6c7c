import { expect, test } from 'vitest';
import { Connection } from '../../../src/network/connection.js';
import { RequestsInFlight } from '../../../src/server/produce/requests-in-flight.js';

const MASK = (1 << 20) - 1;

function requestIn(slot: number, clientId: string): Parameters<RequestsInFlight['remember']>[0] {
  return { slot, clientId, connection: new Connection(slot, '', () => ''), apiVersion: 9, bodyStart: 2 ** 31 + slot, end: 2 ** 32 - 1 };
}

test('requests whose slots differ in any bit of their index are told apart, the highest too', () => {
  const inFlight = new RequestsInFlight(MASK);
  const slots = [3, 3 + (1 << 18), 3 + (1 << 19), MASK];
  for (const slot of slots) inFlight.remember(requestIn(slot, `client ${slot}`));
  for (const slot of slots) {
    const { clientId, bodyStart, end, connection, apiVersion } = inFlight.of(slot);
    expect({ clientId, bodyStart, end, connection: connection.id, apiVersion }).toEqual({ clientId: `client ${slot}`, bodyStart: 2 ** 31 + slot, end: 2 ** 32 - 1, connection: slot, apiVersion: 9 });
  }
});

test('a slot that is used again has the request that it was used for last', () => {
  const inFlight = new RequestsInFlight(MASK);
  inFlight.remember(requestIn(5, 'first'));
  const again = 5 + (7 << 20);
  inFlight.remember(requestIn(again, 'second'));
  expect(inFlight.of(again).clientId).toBe('second');
  expect(() => inFlight.of(6)).toThrow('slot 6');
});
