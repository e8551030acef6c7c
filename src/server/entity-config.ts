import type { Texts } from '../config/settings.js';
import { isZkError, type ZooKeeper } from '../zookeeper/types.js';
import { encodeConfig, encodeConfigChange } from '../zookeeper/znodes/config.js';
import { SequencePrefix } from '../zookeeper/znodes/paths.js';

/** Replaces the settings of a topic or a broker, and tells every broker (entityConfigWrite in zookeeper.json). */
export async function writeEntityConfig(zk: ZooKeeper, path: string, entityPath: string, texts: Texts): Promise<void> {
  const data = encodeConfig(Object.fromEntries(texts));
  try {
    await zk.setData(path, data);
  } catch (error) {
    if (!isZkError(error, 'NONODE')) throw error;
    await zk.create(path, data).catch(async (taken: unknown) => {
      // Somebody else's first settings came between.
      if (!isZkError(taken, 'NODEEXISTS')) throw taken;
      await zk.setData(path, data);
    });
  }
  await zk.create(SequencePrefix.configChange, encodeConfigChange(entityPath), { mode: 'persistentSequential' });
}
