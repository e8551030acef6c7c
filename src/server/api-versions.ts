// Which APIs this broker answers, and in which versions: data, so that what is advertised is what is served.

import type { ApiData } from '../protocol/apis.js';

export interface AdvertisedApi {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

export interface ApiVersionsTable {
  /** By rising key. */
  readonly advertised: readonly AdvertisedApi[];
  readonly finalizedFeatures: { readonly epoch: number; readonly features: Readonly<Record<string, number>> };
}

/** The versions of an API that Kafka 3.9 in ZooKeeper mode advertises, for those that are served here. */
export function advertise(apis: readonly ApiData[], served: ReadonlySet<number>): AdvertisedApi[] {
  return apis.flatMap(({ key, zkVersions }) => (zkVersions !== null && served.has(key) ? [{ apiKey: key, minVersion: zkVersions[0], maxVersion: zkVersions[1] }] : []));
}
