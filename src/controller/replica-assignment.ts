// Which brokers hold a partition, and which of them come or go while it is reassigned (ControllerContext.ReplicaAssignment).

export interface ReplicaAssignment {
  /** All, also those that are being added or removed. */
  readonly replicas: readonly number[];
  readonly adding: readonly number[];
  readonly removing: readonly number[];
}

export const NO_REPLICAS: ReplicaAssignment = { replicas: [], adding: [], removing: [] };

export function assignedTo(replicas: readonly number[]): ReplicaAssignment {
  return { replicas, adding: [], removing: [] };
}

/** As it was before the reassignment. */
export function originReplicas({ replicas, adding }: ReplicaAssignment): number[] {
  return without(replicas, adding);
}

/** As it will be after it. */
export function targetReplicas({ replicas, removing }: ReplicaAssignment): number[] {
  return without(replicas, removing);
}

export function isBeingReassigned({ adding, removing }: ReplicaAssignment): boolean {
  return adding.length > 0 || removing.length > 0;
}

/** The target comes first, in its order: its first replica is the preferred leader from now on. */
export function reassignedTo(assignment: ReplicaAssignment, target: readonly number[]): ReplicaAssignment {
  const origin = originReplicas(assignment);
  const replicas = [...new Set([...target, ...origin])];
  return { replicas, adding: without(replicas, origin), removing: without(replicas, target) };
}

export function withoutReplica({ replicas, adding, removing }: ReplicaAssignment, broker: number): ReplicaAssignment {
  return { replicas: without(replicas, [broker]), adding: without(adding, [broker]), removing: without(removing, [broker]) };
}

export function sameAssignment(one: ReplicaAssignment, other: ReplicaAssignment): boolean {
  return sameList(one.replicas, other.replicas) && sameList(one.adding, other.adding) && sameList(one.removing, other.removing);
}

export function sameList(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((each, at) => each === other[at]);
}

function without(replicas: readonly number[], others: readonly number[]): number[] {
  return replicas.filter(replica => !others.includes(replica));
}
