// partition.metadata: the id of the topic a partition directory belongs to (PartitionMetadataFile.java).
import { MalformedFile } from './checkpoint-file.js';
import { writeAtomically, type Storage } from './storage.js';

export const PARTITION_METADATA = 'partition.metadata';

const TOPIC_ID = /^[A-Za-z0-9_-]{22}$/;

/** The topic id, or null where there is no file: a log from before topics had ids. */
export async function readPartitionMetadata(storage: Storage, path: string): Promise<string | null> {
  const bytes = await storage.readFile(path);
  if (bytes === null) return null;
  const fields = new Map(bytes.toString('utf8').split('\n').filter(line => line.trim() !== '').map(line => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const;
  }));
  if (fields.get('version') !== '0') throw new MalformedFile(path, `version '${fields.get('version') ?? ''}' is not 0`);
  const topicId = fields.get('topic_id') ?? '';
  if (!TOPIC_ID.test(topicId)) throw new MalformedFile(path, `'${topicId}' is not a topic id`);
  return topicId;
}

export function writePartitionMetadata(storage: Storage, path: string, topicId: string): Promise<void> {
  return writeAtomically(storage, path, `version: 0\ntopic_id: ${topicId}`);
}
