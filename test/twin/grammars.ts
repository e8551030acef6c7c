// Every grammar there is. `npm run lint` asks that each served api has one (grammar-lint.ts).

import type { Grammar } from './grammar.js';
import { alterConfigs } from './grammar/alter-configs.js';
import { apiVersions } from './grammar/api-versions.js';
import { createPartitions } from './grammar/create-partitions.js';
import { createTopics } from './grammar/create-topics.js';
import { deleteGroups } from './grammar/delete-groups.js';
import { deleteTopics } from './grammar/delete-topics.js';
import { describeCluster } from './grammar/describe-cluster.js';
import { describeConfigs } from './grammar/describe-configs.js';
import { describeGroups } from './grammar/describe-groups.js';
import { fetch } from './grammar/fetch.js';
import { findCoordinator } from './grammar/find-coordinator.js';
import { heartbeat } from './grammar/heartbeat.js';
import { incrementalAlterConfigs } from './grammar/incremental-alter-configs.js';
import { initProducerId } from './grammar/init-producer-id.js';
import { joinGroup } from './grammar/join-group.js';
import { leaderAndIsr } from './grammar/leader-and-isr.js';
import { leaveGroup } from './grammar/leave-group.js';
import { listGroups } from './grammar/list-groups.js';
import { listOffsets } from './grammar/list-offsets.js';
import { metadata } from './grammar/metadata.js';
import { offsetCommit } from './grammar/offset-commit.js';
import { offsetDelete } from './grammar/offset-delete.js';
import { offsetFetch } from './grammar/offset-fetch.js';
import { offsetForLeaderEpoch } from './grammar/offset-for-leader-epoch.js';
import { produce } from './grammar/produce.js';
import { stopReplica } from './grammar/stop-replica.js';
import { syncGroup } from './grammar/sync-group.js';
import { updateMetadata } from './grammar/update-metadata.js';

export const grammars: readonly Grammar[] = [
  alterConfigs, apiVersions, createPartitions, createTopics, deleteGroups, deleteTopics, describeCluster, describeConfigs, describeGroups, fetch,
  findCoordinator, heartbeat, incrementalAlterConfigs, initProducerId, joinGroup, leaderAndIsr, leaveGroup, listGroups, listOffsets,
  metadata, offsetCommit, offsetDelete, offsetFetch, offsetForLeaderEpoch, produce, stopReplica, syncGroup, updateMetadata,
];

const byApi = new Map(grammars.map(grammar => [grammar.api, grammar]));

export function grammarOf(api: string): Grammar {
  const grammar = byApi.get(api);
  if (grammar === undefined) throw new Error(`no grammar for ${api}`);
  return grammar;
}
