// Blocks of producer ids out of /latest_producer_id_block (ZkProducerIdManager.scala): whoever writes the node's next
// version owns the block. That is the controller, for all brokers; before inter-broker protocol 3.0 it is each broker.

import type { BrokerConfig } from '../config/broker-config.js';
import { interBrokerProtocol } from '../controller/request-versions.js';
import { ErrorCode } from '../protocol/errors.js';
import { AllocateProducerIdsRequest, type AllocateProducerIdsResponse } from '../protocol/messages.js';
import { isZkError, type ZooKeeper } from '../zookeeper/types.js';
import { ZnodePath } from '../zookeeper/znodes/paths.js';
import { decodeProducerIdBlock, encodeProducerIdBlock, PRODUCER_ID_BLOCK_SIZE } from '../zookeeper/znodes/producer-ids.js';
import type { ProducerIdBlock } from './producer-ids.js';
import type { ToController } from './to-controller.js';

export interface ProducerIdSource {
  readonly zookeeper: ZooKeeper;
  readonly config: BrokerConfig;
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly controller: ToController;
}

/** As long as Kafka's brokers ask their controller for anything. */
const ASKED_FOR_MS = 60_000;

/** For this broker to give out. */
export async function nextProducerIds({ zookeeper, config, brokerId, brokerEpoch, controller }: ProducerIdSource): Promise<ProducerIdBlock> {
  if (!interBrokerProtocol(config.string('inter.broker.protocol.version')!).allocateProducerIds) return allocateProducerIds(zookeeper, brokerId);
  const { errorCode, producerIdStart, producerIdLen } = await controller.ask<AllocateProducerIdsResponse>(AllocateProducerIdsRequest, { brokerId, brokerEpoch }, ASKED_FOR_MS);
  if (errorCode !== ErrorCode.None) throw new Error(`the controller gives no producer ids: error ${errorCode}`);
  return { first: producerIdStart, length: producerIdLen };
}


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
