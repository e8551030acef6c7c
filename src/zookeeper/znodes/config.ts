import { ZnodeFormatError, bytes, integer, isFields, object, parse, string } from './json.js';
import { javaPropertiesOrder } from '../../base/java-order.js';

/** /config/<type>/<name>, version 1: the overrides of one topic, broker, client, user or address. */
export function encodeConfig(config: Readonly<Record<string, string>>): Buffer {
  return bytes(object({ version: 1, config: object(config, javaPropertiesOrder) }));
}

/** A node without a configuration, or without data, has no overrides. */
export function decodeConfig(data: Uint8Array | null): Record<string, string> {
  if (data === null || data.length === 0) return {};
  const config = parse(data)['config'];
  return isFields(config) ? Object.fromEntries(Object.entries(config).map(([key, value]) => [key, String(value)])) : {};
}

/** /config/changes/config_change_<sequence>, version 2. `entityPath` is what follows /config/, such as `topics/orders`. */
export function encodeConfigChange(entityPath: string): Buffer {
  return bytes(object({ version: 2, entity_path: entityPath }));
}

export function decodeConfigChange(data: Uint8Array): string {
  const fields = parse(data);
  const version = integer(fields, 'version');
  if (version === 1) return `${string(fields, 'entity_type')}/${string(fields, 'entity_name')}`;
  if (version === 2) return string(fields, 'entity_path');
  throw new ZnodeFormatError(`configuration change version ${version}`);
}
