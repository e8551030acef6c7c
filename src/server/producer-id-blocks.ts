// Blocks of producer ids out of /latest_producer_id_block (ZkProducerIdManager.scala): whoever writes the node's next
// version owns the block.

import { isZkError, type ZooKeeper } from '../zookeeper/types.js';
import { ZnodePath } from '../zookeeper/znodes/paths.js';
import { decodeProducerIdBlock, encodeProducerIdBlock, PRODUCER_ID_BLOCK_SIZE } from '../zookeeper/znodes/producer-ids.js';
import type { ProducerIdBlock } from './producer-ids.js';

export async function allocateProducerIds(zk: ZooKeeper, brokerId: number): Promise<ProducerIdBlock> {
  for (;;) {
    const { data, stat } = await zk.getData(ZnodePath.producerIds);
    const last = decodeProducerIdBlock(data);
    const first = last === undefined ? 0 : last.last + 1;
    try {
      await zk.setData(ZnodePath.producerIds, encodeProducerIdBlock({ brokerId, first, last: first + PRODUCER_ID_BLOCK_SIZE - 1 }), stat.version);
      return { first, length: PRODUCER_ID_BLOCK_SIZE };
    } catch (error) {
      // Another broker took that block first.
      if (!isZkError(error, 'BADVERSION')) throw error;
    }
  }
}
