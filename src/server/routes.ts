// The table of what is served: one handler per API, and the two that work in place.

import { apiByKey, apis } from '../protocol/apis.js';
import { ErrorCode } from '../protocol/errors.js';
import { ApiVersionsResponse } from '../protocol/messages.js';
import type { RequestContext } from '../network/request.js';
import type { HotRoute, PlainRoute, Route, Routes } from '../network/route.js';
import { advertise, type AdvertisedApi } from './api-versions.js';
import type { Handler } from './handler.js';
import { alterConfigs } from './handlers/alter-configs.js';
import { apiVersions } from './handlers/api-versions.js';
import { createPartitions } from './handlers/create-partitions.js';
import { createTopics } from './handlers/create-topics.js';
import { deleteGroups } from './handlers/delete-groups.js';
import { deleteTopics } from './handlers/delete-topics.js';
import { describeCluster } from './handlers/describe-cluster.js';
import { describeConfigs } from './handlers/describe-configs.js';
import { describeGroups } from './handlers/describe-groups.js';
import { findCoordinator } from './handlers/find-coordinator.js';
import { heartbeat } from './handlers/heartbeat.js';
import { incrementalAlterConfigs } from './handlers/incremental-alter-configs.js';
import { initProducerId } from './handlers/init-producer-id.js';
import { joinGroup } from './handlers/join-group.js';
import { leaderAndIsr } from './handlers/leader-and-isr.js';
import { leaveGroup } from './handlers/leave-group.js';
import { listGroups } from './handlers/list-groups.js';
import { listOffsets } from './handlers/list-offsets.js';
import { metadata } from './handlers/metadata.js';
import { offsetCommit } from './handlers/offset-commit.js';
import { offsetDelete } from './handlers/offset-delete.js';
import { offsetFetch } from './handlers/offset-fetch.js';
import { offsetForLeaderEpoch } from './handlers/offset-for-leader-epoch.js';
import { stopReplica } from './handlers/stop-replica.js';
import { syncGroup } from './handlers/sync-group.js';
import { updateMetadata } from './handlers/update-metadata.js';
import { RequestError } from './request-error.js';
import type { BrokerServices } from './services.js';
import type { Logger } from '../base/logger.js';

const PRODUCE = 0;
const FETCH = 1;

const handlers: readonly Handler[] = [
  alterConfigs, apiVersions, createPartitions, createTopics, deleteGroups, deleteTopics, describeCluster, describeConfigs, describeGroups,
  findCoordinator, heartbeat, incrementalAlterConfigs, initProducerId, joinGroup, leaderAndIsr, leaveGroup, listGroups,
  listOffsets, metadata, offsetCommit, offsetDelete, offsetFetch, offsetForLeaderEpoch, stopReplica, syncGroup, updateMetadata,
];

/** What ApiVersions tells of. */
export function advertisedApis(): AdvertisedApi[] {
  return advertise(apis, new Set([PRODUCE, FETCH, ...handlers.map(handler => handler.request.apiKey)]));
}

/** The handler of an API, for local calls. */
export function handlerOf(apiKey: number): Handler | undefined {
  return handlers.find(handler => handler.request.apiKey === apiKey);
}

export function routesFor(broker: BrokerServices, produce: HotRoute, fetch: HotRoute, logger: Logger): Routes {
  const table: (Route | undefined)[] = [];
  table[PRODUCE] = produce;
  table[FETCH] = fetch;
  for (const handler of handlers) table[handler.request.apiKey] = plainRoute(handler, broker, logger);
  return {
    find: apiKey => table[apiKey],
    unsupportedApiVersions: () => ({
      response: ApiVersionsResponse,
      message: { errorCode: ErrorCode.UnsupportedVersion, apiKeys: broker.apiVersions.advertised.filter(({ apiKey }) => apiKey === 18) },
    }),
  };
}

function plainRoute(handler: Handler, broker: BrokerServices, logger: Logger): PlainRoute {
  const api = apiByKey(handler.request.apiKey)!;
  const [minVersion, maxVersion] = api.zkVersions ?? [0, -1];
  return {
    kind: 'plain',
    api,
    minVersion,
    maxVersion,
    request: handler.request,
    response: handler.response,
    handle: (request, context) => handler.handle(request, context, broker),
    refuse: (request, error, context) => refuse(handler, request, error, context, logger),
  };
}

/** What a handler throws becomes its API's own error (RequestHandlerHelper.scala). */
function refuse(handler: Handler, request: object, error: unknown, context: RequestContext, logger: Logger): object | undefined {
  const code = error instanceof RequestError ? error.code : ErrorCode.UnknownServerError;
  if (!(error instanceof RequestError)) {
    logger.error({ api: context.apiKey, version: context.apiVersion, client: context.clientId, error: error instanceof Error ? error.stack : String(error) }, 'a request failed unexpectedly');
  }
  return handler.onError === undefined ? { errorCode: code } : handler.onError(request, code, context);
}
