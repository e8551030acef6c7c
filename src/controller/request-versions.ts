// Which version of its requests a controller sends: what inter.broker.protocol.version says, no matter what more the broker
// could read (AbstractControllerBrokerRequestBatch of ControllerChannelManager.scala).

import { atLeast, resolveMetadataVersion } from '../config/metadata-versions.js';
import { interBrokerRequestVersion } from '../config/request-versions.js';

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

const LEADER_AND_ISR = 4;
const STOP_REPLICA = 5;
const UPDATE_METADATA = 6;
const CONTROLLED_SHUTDOWN = 7;

/** `version` as it may be configured. */
export function interBrokerProtocol(version: string): InterBrokerProtocol {
  const resolved = resolveMetadataVersion(version) ?? version;
  const of = (apiKey: number): number => interBrokerRequestVersion(resolved, apiKey) ?? 0;
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
