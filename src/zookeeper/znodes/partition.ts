import { bytes, integer, integers, object, parse } from './json.js';
import { scalaImmutableOrder } from '../../base/java-order.js';

/** /brokers/topics/<topic>/partitions/<partition>/state, version 1. Every write is conditional on the znode's version. */
export interface PartitionState {
  /** -1: none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
  readonly controllerEpoch: number;
  /** 0 recovered, 1 recovering from an unclean election (KIP-704). Written only where it is not 0. */
  readonly leaderRecoveryState: number;
}

export function encodePartitionState(state: Omit<PartitionState, 'leaderRecoveryState'> & { readonly leaderRecoveryState?: number }): Buffer {
  const recovering = state.leaderRecoveryState !== undefined && state.leaderRecoveryState !== 0;
  const fields = {
    version: 1,
    leader: state.leader,
    leader_epoch: state.leaderEpoch,
    controller_epoch: state.controllerEpoch,
    isr: state.isr,
    ...(recovering ? { leader_recovery_state: state.leaderRecoveryState } : {}),
  };
  return bytes(object(fields, scalaImmutableOrder));
}

export function decodePartitionState(data: Uint8Array): PartitionState {
  const fields = parse(data);
  return {
    leader: integer(fields, 'leader'),
    leaderEpoch: integer(fields, 'leader_epoch'),
    isr: integers(fields['isr'], 'isr'),
    controllerEpoch: integer(fields, 'controller_epoch'),
    leaderRecoveryState: integer(fields, 'leader_recovery_state', 0),
  };
}
