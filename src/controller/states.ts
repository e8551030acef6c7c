// The states of partitions and replicas in the controller's eyes, and which may follow which (PartitionStateMachine.scala,
// ReplicaStateMachine.scala).

/** `new`: it has replicas and no leader yet. `offline`: its leader is gone and nobody could be elected. */
export type PartitionState = 'nonExistent' | 'new' | 'online' | 'offline';

const PARTITION_BEFORE: Readonly<Record<PartitionState, readonly PartitionState[]>> = {
  new: ['nonExistent'],
  online: ['new', 'online', 'offline'],
  offline: ['new', 'online', 'offline'],
  nonExistent: ['offline'],
};

/** `deletionIneligible`: it could not be deleted, or its broker is away: the deletion of its topic waits for it. */
export type ReplicaState = 'nonExistent' | 'new' | 'online' | 'offline' | 'deletionStarted' | 'deletionSuccessful' | 'deletionIneligible';

const REPLICA_BEFORE: Readonly<Record<ReplicaState, readonly ReplicaState[]>> = {
  new: ['nonExistent'],
  online: ['new', 'online', 'offline', 'deletionIneligible'],
  offline: ['new', 'online', 'offline', 'deletionIneligible'],
  deletionStarted: ['offline'],
  deletionSuccessful: ['deletionStarted'],
  deletionIneligible: ['offline', 'deletionStarted'],
  nonExistent: ['deletionSuccessful'],
};

export function mayBecome(from: PartitionState, to: PartitionState): boolean {
  return PARTITION_BEFORE[to].includes(from);
}

export function replicaMayBecome(from: ReplicaState, to: ReplicaState): boolean {
  return REPLICA_BEFORE[to].includes(from);
}
