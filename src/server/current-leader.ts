// Who leads a partition, for clients that came to a broker that does not, or with an old epoch (KIP-951, getCurrentLeader
// of KafkaApis).

import type { NodeEndpoint } from '../protocol/hot/leader.js';
import type { MetadataCache } from '../replication/metadata-cache.js';
import type { ReplicaManager } from '../replication/replica-manager.js';

/** As the replica here knows it; where there is none, as the controller told. */
export function currentLeader(replicas: ReplicaManager, topic: string, index: number): { readonly leaderId: number; readonly leaderEpoch: number } {
  const state = replicas.find(topic, index) ?? replicas.metadata.topic(topic)?.partitions.get(index);
  return { leaderId: state?.leader ?? -1, leaderEpoch: state?.leaderEpoch ?? -1 };
}

/** Where the leaders that an answer names are reached by the listener that was asked, each told once. */
export class LeaderEndpoints {
  readonly #metadata: MetadataCache;
  #listener = '';
  #found: NodeEndpoint[] = [];

  constructor(metadata: MetadataCache) {
    this.#metadata = metadata;
  }

  /** Another answer, to who came by `listener`. */
  begin(listener: string): void {
    this.#listener = listener;
    if (this.#found.length > 0) this.#found = [];
  }

  name(leader: number): void {
    if (this.#found.some(({ nodeId }) => nodeId === leader)) return;
    const broker = this.#metadata.broker(leader);
    const endpoint = broker?.endpoints.find(({ listener }) => listener === this.#listener);
    if (endpoint !== undefined) this.#found.push({ nodeId: leader, host: endpoint.host, port: endpoint.port, rack: broker!.rack });
  }

  get named(): readonly NodeEndpoint[] {
    return this.#found;
  }
}
