// In which versions brokers speak to each other, by `inter.broker.protocol.version` (MetadataVersion.java, and the builders of
// AbstractControlRequest and AlterPartitionRequest). Newest first; an api that is not here is spoken as new as the peer serves it.

import { atLeast } from './metadata-versions.js';

type Since = Parameters<typeof atLeast>[1];

const LIST_OFFSETS = 2;
const FETCH = 1;
const LEADER_AND_ISR = 4;
const STOP_REPLICA = 5;
const UPDATE_METADATA = 6;
const CONTROLLED_SHUTDOWN = 7;
const OFFSET_FOR_LEADER_EPOCH = 23;
const WRITE_TXN_MARKERS = 27;
const ALTER_PARTITION = 56;

const VERSIONS: Readonly<Record<number, readonly (readonly [Since, number])[]>> = {
  [FETCH]: [
    ['3.9-IV0', 17], ['3.7-IV4', 16], ['3.5-IV1', 15], ['3.5-IV0', 14], ['3.1-IV0', 13], ['2.7-IV1', 12], ['2.3-IV1', 11], ['2.1-IV2', 10],
    ['2.0-IV1', 8], ['1.1-IV0', 7], ['0.11.0-IV1', 5], ['0.11.0-IV0', 4], ['0.10.1-IV1', 3], ['0.10.0-IV0', 2], ['0.9.0', 1], ['0.8.0', 0],
  ],
  [LIST_OFFSETS]: [
    ['3.9-IV0', 9], ['3.5-IV0', 8], ['3.0-IV1', 7], ['2.8-IV0', 6], ['2.2-IV1', 5], ['2.1-IV1', 4], ['2.0-IV1', 3], ['0.11.0-IV0', 2],
    ['0.10.1-IV2', 1], ['0.8.0', 0],
  ],
  [LEADER_AND_ISR]: [['3.4-IV0', 7], ['3.2-IV0', 6], ['2.8-IV1', 5], ['2.4-IV1', 4], ['2.4-IV0', 3], ['2.2-IV0', 2], ['1.0-IV0', 1], ['0.8.0', 0]],
  [STOP_REPLICA]: [['3.4-IV0', 4], ['2.6-IV0', 3], ['2.4-IV1', 2], ['2.2-IV0', 1], ['0.8.0', 0]],
  [UPDATE_METADATA]: [
    ['3.4-IV0', 8], ['2.8-IV1', 7], ['2.4-IV1', 6], ['2.2-IV0', 5], ['1.0-IV0', 4], ['0.10.2-IV0', 3], ['0.10.0-IV1', 2], ['0.9.0', 1], ['0.8.0', 0],
  ],
  [CONTROLLED_SHUTDOWN]: [['2.4-IV1', 3], ['2.2-IV0', 2], ['0.9.0', 1], ['0.8.0', 0]],
  [OFFSET_FOR_LEADER_EPOCH]: [['2.8-IV0', 4], ['2.3-IV1', 3], ['2.1-IV1', 2], ['2.0-IV0', 1], ['0.8.0', 0]],
  [WRITE_TXN_MARKERS]: [['2.8-IV0', 1], ['0.8.0', 0]],
  // Topic ids, and what came behind them.
  [ALTER_PARTITION]: [['2.8-IV0', 3], ['0.8.0', 1]],
};

/** The newest version of an api that brokers of protocol `version` (resolved) use among each other; undefined: any. */
export function interBrokerRequestVersion(version: string, apiKey: number): number | undefined {
  return VERSIONS[apiKey]?.find(([since]) => atLeast(version, since))?.[1];
}
