// FindCoordinator, versions 0-6: which broker coordinates a group or a transactional id.
//   v1  the type of key; an error message
//   v3  flexible encoding
//   v4  several keys
//   v5  clients know TRANSACTION_ABORTABLE
//   v6  share groups, which there are none of
// It is the leader of the key's partition of an internal topic. The first to ask for one has the topic made. Transactions
// are not served: who looks for their coordinator is told so, by an error that clients do not try again.

import { eachInTurns, Turns } from '../../base/turns.js';
import { ErrorCode, errorName } from '../../protocol/errors.js';
import { FindCoordinatorRequest, FindCoordinatorResponse } from '../../protocol/messages.js';
import type { FindCoordinatorResponseInput } from '../../protocol/messages.js';
import type { RequestContext } from '../handler.js';
import { defineHandler } from '../handler.js';
import type { BrokerServices } from '../services.js';
import { GROUP_OFFSETS_TOPIC } from '../topics/internal-topics.js';

const GROUP = 0;
const TRANSACTION = 1;
const SHARE = 2;
const SHARE_SINCE = 6;

/** What Kafka says beside these errors (Errors.java). */
const MESSAGES: ReadonlyMap<ErrorCode, string> = new Map([
  [ErrorCode.CoordinatorNotAvailable, 'The coordinator is not available.'],
  [ErrorCode.InvalidRequest, 'This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker. See the broker logs for more details.'],
]);

interface Coordinator {
  readonly errorCode: ErrorCode;
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly errorMessage?: string;
}

export const findCoordinator = defineHandler({
  request: FindCoordinatorRequest,
  response: FindCoordinatorResponse,
  handle: (request, context, broker) => {
    if (context.apiVersion < 4) return oneKey(find(request.keyType, request.key, context, broker));
    return manyKeys(request, context, broker);
  },
  onError: ({ coordinatorKeys }, errorCode, { apiVersion }) => {
    const refused = refuse(errorCode as ErrorCode);
    return apiVersion < 4 ? oneKey(refused) : { coordinators: coordinatorKeys.map(key => ({ key, ...refused })) };
  },
});

async function manyKeys({ keyType, coordinatorKeys }: FindCoordinatorRequest, context: RequestContext, broker: BrokerServices): Promise<FindCoordinatorResponseInput> {
  const turns = new Turns(broker.clock, broker.timers);
  return { coordinators: await eachInTurns(coordinatorKeys, turns, key => ({ key, ...find(keyType, key, context, broker) })) };
}

/** There is a message even without an error: NONE. With several keys there is none, but for a type that nobody knows. */
function oneKey(coordinator: Coordinator): FindCoordinatorResponseInput {
  return { errorMessage: messageOf(coordinator.errorCode), ...coordinator };
}

function messageOf(errorCode: ErrorCode): string {
  return MESSAGES.get(errorCode) ?? errorName(errorCode);
}

function find(keyType: number, key: string, context: RequestContext, broker: BrokerServices): Coordinator {
  switch (keyType) {
    case GROUP: return groupCoordinator(key, context, broker);
    // With COORDINATOR_NOT_AVAILABLE a producer would look for ever; this is fatal to it, and shows the message (TransactionManager.java).
    case TRANSACTION: return { ...refuse(ErrorCode.UnsupportedVersion), errorMessage: 'This broker serves no transactions.' };
    case SHARE: return refuse(context.apiVersion < SHARE_SINCE ? ErrorCode.InvalidRequest : ErrorCode.CoordinatorNotAvailable);
    default: return { ...refuse(ErrorCode.InvalidRequest), errorMessage: messageOf(ErrorCode.InvalidRequest) };
  }
}

function groupCoordinator(group: string, { connection }: RequestContext, broker: BrokerServices): Coordinator {
  const topic = broker.metadata.topic(GROUP_OFFSETS_TOPIC);
  if (topic === undefined) {
    broker.internalTopics.create(GROUP_OFFSETS_TOPIC);
    return refuse(ErrorCode.CoordinatorNotAvailable);
  }
  const partition = topic.partitions.get(broker.groups.partitionFor(group));
  const leader = partition === undefined ? undefined : broker.metadata.broker(partition.leader);
  const endpoint = leader?.endpoints.find(({ listener }) => listener === connection.listener);
  if (leader === undefined || endpoint === undefined) return refuse(ErrorCode.CoordinatorNotAvailable);
  return { errorCode: ErrorCode.None, nodeId: leader.id, host: endpoint.host, port: endpoint.port };
}

function refuse(errorCode: ErrorCode): Coordinator {
  return { errorCode, nodeId: -1, host: '', port: -1 };
}
