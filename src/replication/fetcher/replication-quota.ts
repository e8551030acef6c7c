/** The throttle of replication, seen by who follows (ReplicaQuota.scala; follower.replication.throttled.*). */
export interface ReplicationQuota {
  /** The replica is one of those that are throttled. */
  isThrottled(topic: string, partition: number): boolean;
  /** More came in than the rate allows. */
  exceeded(): boolean;
  /** Bytes that came in for a throttled replica. */
  record(bytes: number): void;
}

export const unthrottled: ReplicationQuota = { isThrottled: () => false, exceeded: () => false, record: () => {} };
