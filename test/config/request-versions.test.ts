import { expect, test } from 'vitest';
import { interBrokerRequestVersion } from '../../src/config/request-versions.js';
import { apiByKey } from '../../src/protocol/apis.js';

const [FETCH, LIST_OFFSETS, LEADER_AND_ISR, STOP_REPLICA, UPDATE_METADATA, CONTROLLED_SHUTDOWN, EPOCHS, MARKERS, ALTER_PARTITION] = [1, 2, 4, 5, 6, 7, 23, 27, 56];
const ALL = [FETCH, LIST_OFFSETS, LEADER_AND_ISR, STOP_REPLICA, UPDATE_METADATA, CONTROLLED_SHUTDOWN, EPOCHS, MARKERS, ALTER_PARTITION];

// MetadataVersion.java, and for AlterPartition its request's builder.
test.each([
  ['3.9-IV0', [17, 9, 7, 4, 8, 3, 4, 1, 3]],
  ['3.5-IV0', [14, 8, 7, 4, 8, 3, 4, 1, 3]],
  ['3.0-IV1', [12, 7, 5, 3, 7, 3, 4, 1, 3]],
  ['2.8-IV0', [12, 6, 4, 3, 6, 3, 4, 1, 3]],
  ['2.7-IV2', [12, 5, 4, 3, 6, 3, 3, 0, 1]],
  ['2.4-IV0', [11, 5, 3, 1, 5, 2, 3, 0, 1]],
  ['0.10.2-IV0', [3, 1, 0, 0, 3, 1, 0, 0, 1]],
  ['0.8.0', [0, 0, 0, 0, 0, 0, 0, 0, 1]],
])('brokers of protocol %s speak in versions of its time', (version, expected) => {
  expect(ALL.map(apiKey => interBrokerRequestVersion(version, apiKey))).toEqual(expected);
});

test('the newest protocol uses the newest versions, and what it does not rule is spoken as the peer serves it', () => {
  for (const apiKey of ALL) expect(interBrokerRequestVersion('3.9-IV0', apiKey)).toBe(apiByKey(apiKey)!.zkVersions![1]);
  expect(interBrokerRequestVersion('2.7-IV2', 18)).toBeUndefined();
});
