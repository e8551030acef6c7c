// Which version of its requests a controller sends: what inter.broker.protocol.version says, no matter what more the broker
// could read (AbstractControllerBrokerRequestBatch of ControllerChannelManager.scala).

import { atLeast, resolveMetadataVersion } from '../config/metadata-versions.js';

export interface InterBrokerProtocol {
  readonly leaderAndIsr: number;
  readonly updateMetadata: number;
  readonly stopReplica: number;
  readonly controlledShutdown: number;
  /** Topics have ids, and get one where they have none (KIP-516). */
  readonly topicIds: boolean;
  /** Leaders change the ISR by asking the controller (KIP-497). */
  readonly alterPartition: boolean;
  /** Blocks of producer ids come from the controller (KIP-730). */
  readonly allocateProducerIds: boolean;
  /** /feature is in force (KIP-584), in this version of its JSON. */
  readonly features: boolean;
  readonly featureNode: 1 | 2;
  /** Unclean elections are marked (KIP-704). */
  readonly leaderRecovery: boolean;
}

type Since = readonly (readonly [Parameters<typeof atLeast>[1], number])[];

const LEADER_AND_ISR: Since = [['3.4-IV0', 7], ['3.2-IV0', 6], ['2.8-IV1', 5], ['2.4-IV1', 4], ['2.4-IV0', 3], ['2.2-IV0', 2], ['1.0-IV0', 1]];
const UPDATE_METADATA: Since = [['3.4-IV0', 8], ['2.8-IV1', 7], ['2.4-IV1', 6], ['2.2-IV0', 5], ['1.0-IV0', 4], ['0.10.2-IV0', 3], ['0.10.0-IV1', 2], ['0.9.0', 1]];
const STOP_REPLICA: Since = [['3.4-IV0', 4], ['2.6-IV0', 3], ['2.4-IV1', 2], ['2.2-IV0', 1]];
const CONTROLLED_SHUTDOWN: Since = [['2.4-IV1', 3], ['2.2-IV0', 2], ['0.9.0', 1]];

/** `version` as it may be configured. */
export function interBrokerProtocol(version: string): InterBrokerProtocol {
  const resolved = resolveMetadataVersion(version) ?? version;
  const of = (table: Since): number => table.find(([since]) => atLeast(resolved, since))?.[1] ?? 0;
  return {
    leaderAndIsr: of(LEADER_AND_ISR),
    updateMetadata: of(UPDATE_METADATA),
    stopReplica: of(STOP_REPLICA),
    controlledShutdown: of(CONTROLLED_SHUTDOWN),
    topicIds: atLeast(resolved, '2.8-IV0'),
    alterPartition: atLeast(resolved, '2.7-IV2'),
    allocateProducerIds: atLeast(resolved, '3.0-IV0'),
    features: atLeast(resolved, '2.7-IV0'),
    featureNode: atLeast(resolved, '3.3-IV0') ? 2 : 1,
    leaderRecovery: atLeast(resolved, '3.2-IV0'),
  };
}
