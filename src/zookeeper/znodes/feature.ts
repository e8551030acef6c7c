import { ZnodeFormatError, bytes, integer, isFields, object, parse } from './json.js';
import { scalaImmutableOrder, scalaMutableOrder } from '../../base/java-order.js';

/** /feature, version 2. The finalized features' epoch is the znode's version. */
export interface FinalizedFeatures {
  /** 0 disabled, 1 enabled. */
  readonly status: number;
  /** The finalized maximum level of each feature. */
  readonly features: Readonly<Record<string, number>>;
}

export function encodeFeature({ status, features }: FinalizedFeatures): Buffer {
  const levels = new Map(Object.entries(features).map(([name, level]) => [name, object({ max_version_level: level })]));
  return bytes(object({ version: 2, status, features: object(levels, scalaImmutableOrder) }, keys => scalaMutableOrder(keys, 3)));
}

/** Version 1 (inter-broker protocols before 3.3) also has min_version_level, which nobody asks for. */
export function decodeFeature(data: Uint8Array): FinalizedFeatures {
  const fields = parse(data);
  const version = integer(fields, 'version');
  const status = integer(fields, 'status');
  if (version < 1 || version > 2) throw new ZnodeFormatError(`features version ${version}`);
  if (status !== 0 && status !== 1) throw new ZnodeFormatError(`features status ${status}`);
  if (!isFields(fields['features'])) throw new ZnodeFormatError('no features');
  const levels = Object.entries(fields['features']).map(([name, level]) => [name, integer(isFields(level) ? level : {}, 'max_version_level')] as const);
  return { status, features: Object.fromEntries(levels) };
}
