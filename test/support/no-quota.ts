import type { ReplicaQuota } from '../../src/replication/replication-quota.js';

/** Replication as fast as it goes. */
export const unthrottled: ReplicaQuota = { isThrottled: () => false, exceeded: () => false, record: () => {} };
