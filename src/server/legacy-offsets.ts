import { topicName } from '../base/topic-name.js';
import type { LegacyOffsets } from '../coordinator/group/coordinator.js';
import { ZkError } from '../zookeeper/types.js';
import type { ZooKeeper } from '../zookeeper/types.js';
import { consumerOffsetPath, consumersGroup } from '../zookeeper/znodes/paths.js';

/** Offsets as consumers before 0.9 kept them: /consumers/<group>/offsets/<topic>/<partition>, decimal. */
export function zooKeeperOffsets(zookeeper: ZooKeeper): LegacyOffsets {
  return {
    async commit(group, topic, partition, offset) {
      const path = offsetPath(group, topic, partition);
      if (path === undefined) return false;
      const data = Buffer.from(decimal(offset));
      try {
        await zookeeper.setData(path, data);
      } catch (error) {
        if (!is(error, 'NONODE')) throw error;
        await createWithParents(zookeeper, path, data);
      }
      return true;
    },
    async fetch(group, topic, partition) {
      const path = offsetPath(group, topic, partition);
      if (path === undefined) return null;
      try {
        const { data } = await zookeeper.getData(path);
        const text = data?.toString() ?? '';
        return /^-?\d+$/.test(text) ? Number(text) : null;
      } catch (error) {
        if (is(error, 'NONODE')) return null;
        throw error;
      }
    },
  };
}

/** What a reader of 64 bits can read: a double near the largest of them lies above. */
function decimal(offset: number): string {
  return offset >= 2 ** 63 ? '9223372036854775807' : String(BigInt(offset));
}

function offsetPath(group: string, topic: string, partition: number): string | undefined {
  const [named, of] = [consumersGroup(group), topicName(topic)];
  return named === undefined || of === undefined ? undefined : consumerOffsetPath(named, of, partition);
}

/** Two commits may create the same nodes at once: whoever comes second finds them, and writes its offset over the other's. */
async function createWithParents(zookeeper: ZooKeeper, path: string, data: Buffer): Promise<void> {
  const parts = path.split('/').slice(1);
  for (let depth = 1; depth < parts.length; depth++) await createUnlessThere(zookeeper, `/${parts.slice(0, depth).join('/')}`, null);
  if (!await createUnlessThere(zookeeper, path, data)) await zookeeper.setData(path, data);
}

async function createUnlessThere(zookeeper: ZooKeeper, path: string, data: Buffer | null): Promise<boolean> {
  try {
    await zookeeper.create(path, data);
    return true;
  } catch (error) {
    if (is(error, 'NODEEXISTS')) return false;
    throw error;
  }
}

function is(error: unknown, code: ZkError['code']): boolean {
  return error instanceof ZkError && error.code === code;
}
