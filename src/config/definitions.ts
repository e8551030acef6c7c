import type { Definition, TopicDefinition, ValueType } from './definition.js';
import { dynamicOnlyKeys } from './keys/dynamic-only.js';
import { kraftKeys } from './keys/kraft.js';
import { replicationKeys } from './keys/replication.js';
import { securityKeys } from './keys/security.js';
import { serverKeys } from './keys/server.js';
import { storageKeys } from './keys/storage.js';
import { topicKeys } from './keys/topic.js';

const rows = [...serverKeys, ...storageKeys, ...replicationKeys, ...securityKeys, ...kraftKeys] as const;

type BrokerRow = (typeof rows)[number];
type TopicRow = (typeof topicKeys)[number];

/** The broker keys of a type: asking for a port as a boolean does not compile. */
export type BrokerKey<T extends ValueType = ValueType> = Extract<BrokerRow, { type: T }>['name'];
export type DynamicOnlyKey = (typeof dynamicOnlyKeys)[number]['name'];
export type TopicKey<T extends ValueType = ValueType> = Extract<TopicRow, { type: T }>['name'];

export const brokerDefinitions: ReadonlyMap<string, Definition> = new Map(rows.map(row => [row.name, row]));
/** Of brokers too, but no file's: set while the broker runs, or not at all. */
export const dynamicOnlyDefinitions: ReadonlyMap<string, Definition> = new Map(dynamicOnlyKeys.map(row => [row.name, row]));
export const topicDefinitions: ReadonlyMap<string, TopicDefinition> = new Map(topicKeys.map(row => [row.name, row]));

/** Keys of the KRaft mode: known, described, and without effect on a ZooKeeper-mode broker. */
export const kraftKeyNames: ReadonlySet<string> = new Set(kraftKeys.map(row => row.name));
