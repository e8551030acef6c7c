// Before the first conversation: what would otherwise happen once, in the midst of one.

import type { ZooKeeper } from '../../src/zookeeper/types.js';
import type { Sides } from './compare.js';
import type { Step } from './conversation.js';
import type { Pair } from './pair.js';
import { Player, type Heard } from './play.js';
import { Bindings } from './symbols.js';
import type { Facts } from './twin.js';

const UNTIL_MS = 30_000;

/** The offsets topic is made and its coordinators serve, and there are producer ids to give. */
export async function prepare(pair: Pair): Promise<Sides<Facts>> {
  const [ours, kafka] = await Promise.all([side(pair.ports.ours, pair.clients.ours), side(pair.ports.kafka, pair.clients.kafka)]);
  return { ours, kafka };
}

async function side(port: number, zk: ZooKeeper): Promise<Facts> {
  const player = new Player(port, new Bindings('w9-0-'));
  try {
    const offsets = { groupId: '', topics: null, requireStable: false };
    // Groups of all partitions of the offsets topic.
    for (const group of Array.from({ length: 12 }, (_, n) => `ready-${n}`)) {
      await untilAnswered(player, { ...step, api: 'FindCoordinator', version: 2, body: { key: group, keyType: 0 } });
      await untilAnswered(player, { ...step, api: 'OffsetFetch', version: 7, body: { ...offsets, groupId: group } });
    }
    // Kafka fetches its first block of ids when the first is asked for, and says so with an error.
    await untilAnswered(player, { ...step, api: 'InitProducerId', version: 0, body: { transactionalId: null, transactionTimeoutMs: 1000 } });
    const [heard] = await player.play([{ ...step, api: 'Metadata', version: 5, body: { topics: [] } }]);
    if (heard?.kind !== 'answer') throw new Error(`no metadata from ${port}`);
    const { data } = await zk.getData('/controller_epoch');
    return { clusterId: (heard.message as { clusterId: string }).clusterId, controllerEpoch: Number(data?.toString()) };
  } finally {
    await player.close();
  }
}

const step = { connection: 0, clientId: 'twin' };

async function untilAnswered(player: Player, asked: Step): Promise<void> {
  const end = performance.now() + UNTIL_MS;
  let heard: Heard | undefined;
  while (performance.now() < end) {
    [heard] = await player.play([asked]);
    if (heard?.kind === 'answer' && (heard.message as { errorCode: number }).errorCode === 0) return;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  throw new Error(`${asked.api} is not answered well: ${JSON.stringify(heard)}`);
}
