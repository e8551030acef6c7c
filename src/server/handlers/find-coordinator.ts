// FindCoordinator, versions 0-6: which broker coordinates a group or a transactional id.
//   v1  the type of key; an error message
//   v3  flexible encoding
//   v4  several keys
//   v5  clients know TRANSACTION_ABORTABLE
//   v6  share groups, which there are none of
// It is the leader of the key's partition of an internal topic. The first to ask for one has the topic made.

import { ErrorCode, errorName } from '../../protocol/errors.js';
import { FindCoordinatorRequest, FindCoordinatorResponse } from '../../protocol/messages.js';
import type { FindCoordinatorResponseInput } from '../../protocol/messages.js';
import { positiveHash } from '../../coordinator/group/coordinator.js';
import type { RequestContext } from '../handler.js';
import { defineHandler } from '../handler.js';
import type { BrokerServices } from '../services.js';
import { GROUP_OFFSETS_TOPIC, TRANSACTION_STATE_TOPIC } from '../topics/internal-topics.js';
import type { InternalTopic } from '../topics/internal-topics.js';

const GROUP = 0;
const TRANSACTION = 1;

interface Coordinator {
  readonly errorCode: ErrorCode;
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

export const findCoordinator = defineHandler({
  request: FindCoordinatorRequest,
  response: FindCoordinatorResponse,
  handle: (request, context, broker) => {
    if (context.apiVersion < 4) return oneKey(find(request.keyType, request.key, context, broker));
    return { coordinators: request.coordinatorKeys.map(key => ({ key, ...find(request.keyType, key, context, broker) })) };
  },
  onError: ({ coordinatorKeys }, errorCode, { apiVersion }) => {
    const refused = refuse(errorCode as ErrorCode);
    return apiVersion < 4 ? oneKey(refused) : { coordinators: coordinatorKeys.map(key => ({ key, ...refused })) };
  },
});

/** There is a message even without an error: NONE. */
function oneKey(coordinator: Coordinator): FindCoordinatorResponseInput {
  return { ...coordinator, errorMessage: errorName(coordinator.errorCode) };
}

function find(keyType: number, key: string, context: RequestContext, broker: BrokerServices): Coordinator {
  switch (keyType) {
    case GROUP: return leaderOf(GROUP_OFFSETS_TOPIC, () => broker.groups.partitionFor(key), context, broker);
    case TRANSACTION: return leaderOf(TRANSACTION_STATE_TOPIC, count => positiveHash(key) % count, context, broker);
    default: return refuse(ErrorCode.InvalidRequest);
  }
}

function leaderOf(name: InternalTopic, partitionIn: (count: number) => number, { connection }: RequestContext, broker: BrokerServices): Coordinator {
  const topic = broker.metadata.topic(name);
  if (topic === undefined) {
    broker.internalTopics.create(name);
    return refuse(ErrorCode.CoordinatorNotAvailable);
  }
  const partition = topic.partitions.get(partitionIn(topic.partitions.size));
  const leader = partition === undefined ? undefined : broker.metadata.broker(partition.leader);
  const endpoint = leader?.endpoints.find(({ listener }) => listener === connection.listener);
  if (leader === undefined || endpoint === undefined) return refuse(ErrorCode.CoordinatorNotAvailable);
  return { errorCode: ErrorCode.None, nodeId: leader.id, host: endpoint.host, port: endpoint.port };
}

function refuse(errorCode: ErrorCode): Coordinator {
  return { errorCode, nodeId: -1, host: '', port: -1 };
}
