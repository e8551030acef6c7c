import type { AnyCodec } from './codec.js';
import { apiTable } from './generated/apis.js';

/** Who serves an api in Kafka: ZooKeeper-mode brokers, KRaft brokers, KRaft controllers. */
export type Listener = 'zk' | 'broker' | 'controller';

/** What the schemas say of an api. */
export interface ApiData {
  readonly key: number;
  readonly name: string;
  /** The versions that a ZooKeeper-mode broker advertises; null when it does not. */
  readonly zkVersions: readonly [number, number] | null;
  readonly listeners: readonly Listener[];
  /** Only brokers may call it (Cluster resource, ClusterAction). */
  readonly clusterAction: boolean;
  readonly forwardable: boolean;
  /** The record format that it needs (ApiVersionsResponse.java). */
  readonly minMagic: number;
  readonly request: AnyCodec;
  readonly response: AnyCodec;
}

const API_VERSIONS = 18;
const CONTROLLED_SHUTDOWN = 7;

/** All apis of 3.9, by rising key. */
export const apis: readonly ApiData[] = apiTable;

const byKey: (ApiData | undefined)[] = [];
for (const api of apis) byKey[api.key] = api;

export function apiByKey(key: number): ApiData | undefined {
  return byKey[key];
}

/** Which RequestHeader version goes before a request. */
export function requestHeaderVersion(api: ApiData, version: number): number {
  if (version >= api.request.flexibleFrom) return 2;
  return api.key === CONTROLLED_SHUTDOWN && version === 0 ? 0 : 1;
}

/**
 * Which ResponseHeader version goes before a response. ApiVersions always answers with version 0: the client may speak
 * a version that the broker does not, and then could not tell where the body begins (KIP-511).
 */
export function responseHeaderVersion(api: ApiData, version: number): number {
  return api.key !== API_VERSIONS && version >= api.response.flexibleFrom ? 1 : 0;
}
