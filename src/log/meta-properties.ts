// meta.properties: which broker of which cluster a log directory belongs to (MetaProperties.java, version 0: ZooKeeper mode).
import { MalformedFile } from './checkpoint-file.js';
import { parseProperties } from '../config/properties.js';
import { writeAtomically, type Storage } from './storage.js';

export const META_PROPERTIES = 'meta.properties';

export interface MetaProperties {
  readonly clusterId: string | null;
  readonly brokerId: number | null;
  /** Written by a broker that was being migrated to KRaft; kept. */
  readonly directoryId: string | null;
}

/** As it was found: version 1 is the KRaft mode's. */
export interface FoundMetaProperties extends MetaProperties {
  readonly kraft: boolean;
}

const DIRECTORY_ID = /^[A-Za-z0-9_-]{22}(==)?$/;

/** Null: there is none, the directory is new. Rejects where nobody can say whose it is (MetaProperties.Builder). */
export async function readMetaProperties(storage: Storage, path: string): Promise<FoundMetaProperties | null> {
  const bytes = await storage.readFile(path);
  if (bytes === null) return null;
  const properties = new Map(parseProperties(bytes.toString('latin1')));
  // The first brokers wrote none, and an empty file is that of a directory that nobody has used.
  const version = properties.get('version')?.trim() ?? '0';
  if (!/^[+-]?0*[01]$/.test(version)) throw new MalformedFile(path, `version '${version}' is not 0`);
  const brokerId = properties.get('broker.id');
  if (brokerId !== undefined && !/^[0-9]+$/.test(brokerId)) throw new MalformedFile(path, `broker.id '${brokerId}' is not a broker id`);
  const directoryId = properties.get('directory.id') ?? null;
  if (directoryId !== null && !DIRECTORY_ID.test(directoryId)) throw new MalformedFile(path, `directory.id '${directoryId}' is not a directory id`);
  return {
    kraft: Number(version) !== 0,
    clusterId: properties.get('cluster.id') ?? null,
    brokerId: brokerId === undefined ? null : Number(brokerId),
    directoryId,
  };
}

export function writeMetaProperties(storage: Storage, path: string, meta: MetaProperties, now: Date): Promise<void> {
  return writeAtomically(storage, path, Buffer.from(encodeMetaProperties(meta, now), 'latin1'));
}

/** As java.util.Properties stores it, the two comment lines included. */
export function encodeMetaProperties({ clusterId, brokerId, directoryId }: MetaProperties, now: Date): string {
  const pairs = [
    ['version', '0'],
    ...(clusterId === null ? [] : [['cluster.id', escape(clusterId)]]),
    ...(brokerId === null ? [] : [['broker.id', String(brokerId)]]),
    ...(directoryId === null ? [] : [['directory.id', escape(directoryId)]]),
  ];
  return `#\n#${javaDate(now)}\n${pairs.map(pair => `${pair.join('=')}\n`).join('')}`;
}

// Ids are base64url or short names; what Properties would escape is escaped, the rest stays as it is.
function escape(text: string): string {
  return text.replace(/[\\=:#!]|^ /g, found => `\\${found}`)
    .replace(/[^\x20-\x7e]/g, found => `\\u${found.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`);
}

/** Date.toString() of Java, in UTC: `Sat Nov 21 13:15:07 UTC 2026`. */
function javaDate(now: Date): string {
  const [, weekday = '', day = '', month = '', year = '', time = ''] = /^(\w+), (\d+) (\w+) (\d+) ([\d:]+)/.exec(now.toUTCString()) ?? [];
  return `${weekday} ${month} ${day} ${time} UTC ${year}`;
}

/** Why these directories are not this broker's, if they are not. Directories without the file are new, and anybody's (MetaPropertiesEnsemble.verify). */
export function identityProblem(
  found: ReadonlyMap<string, FoundMetaProperties | null>, clusterId: string, configuredBrokerId: number,
): string | undefined {
  const ids = new Map<number, string>();
  const directoryIds = new Map<string, string>();
  for (const [directory, meta] of found) {
    if (meta === null) continue;
    if (meta.kraft) return `${directory}: ${META_PROPERTIES} was written in KRaft mode (version 1)`;
    const twin = meta.directoryId === null ? undefined : directoryIds.get(meta.directoryId);
    if (twin !== undefined) return `${directory} and ${twin} have the same directory.id: one is a copy of the other`;
    if (meta.directoryId !== null) directoryIds.set(meta.directoryId, directory);
    if (meta.clusterId !== null && meta.clusterId !== clusterId) {
      return `${directory} belongs to cluster ${meta.clusterId}, but this is cluster ${clusterId}: `
        + 'the directory or zookeeper.connect is the wrong one';
    }
    if (meta.brokerId !== null) ids.set(meta.brokerId, directory);
  }
  if (ids.size > 1) {
    return `log directories belong to different brokers: ${[...ids].map(([id, directory]) => `${directory} to ${id}`).join(', ')}`;
  }
  const [stored] = ids.keys();
  if (stored !== undefined && configuredBrokerId >= 0 && stored !== configuredBrokerId) {
    return `broker.id is ${configuredBrokerId}, but ${ids.get(stored)} belongs to broker ${stored}`;
  }
  return undefined;
}
