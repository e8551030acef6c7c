// This broker in ZooKeeper: the nodes a cluster needs, its id, and the registration by which others see it live
// (KafkaServer.scala, KafkaZkClient.registerBroker).

import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/logger.js';
import { kafkaUuid, type Random } from '../base/random.js';
import { isZkError, type ZooKeeper } from '../zookeeper/types.js';
import { encodeBrokerRegistration, type BrokerEndpoint } from '../zookeeper/znodes/broker.js';
import { decodeClusterId, encodeClusterId } from '../zookeeper/znodes/cluster.js';
import { brokerPath, PERSISTENT_PATHS, ZnodePath } from '../zookeeper/znodes/paths.js';

/** Makes the nodes every broker finds or makes at its start. Parents are sent before children, and nothing waits in between. */
export async function createPersistentPaths(zk: ZooKeeper): Promise<void> {
  const paths = new Set<string>();
  for (const path of PERSISTENT_PATHS) {
    const names = path.split('/').slice(1);
    for (let depth = 1; depth <= names.length; depth++) paths.add(`/${names.slice(0, depth).join('/')}`);
  }
  await Promise.all([...paths].map(path => createUnlessThere(zk, path, null)));
}

/** The cluster's id; the first broker of a cluster makes it. */
export async function clusterIdOf(zk: ZooKeeper, random: Random): Promise<string> {
  const read = async (): Promise<string | undefined> => {
    try {
      const { data } = await zk.getData(ZnodePath.clusterId);
      return data === null ? undefined : decodeClusterId(data);
    } catch (error) {
      if (isZkError(error, 'NONODE')) return undefined;
      throw error;
    }
  };
  const known = await read();
  if (known !== undefined) return known;
  const made = kafkaUuid(random);
  await createUnlessThere(zk, '/cluster', null);
  await createUnlessThere(zk, ZnodePath.clusterId, encodeClusterId(made));
  return (await read()) ?? made;
}

/** A broker id nobody has had: each write of the sequence node gives the next version. */
export async function generateBrokerId(zk: ZooKeeper, reserved: number): Promise<number> {
  const stat = await zk.setData(ZnodePath.brokerSequence, Buffer.alloc(0));
  return stat.version + reserved;
}

export interface RegistrationOptions {
  readonly zookeeper: ZooKeeper;
  readonly brokerId: number;
  readonly endpoints: readonly BrokerEndpoint[];
  readonly rack: string | null;
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * Coordination is embedded and the log directories are locked: whoever registered before is dead, however long its
   * session still has to live. With a real ensemble it may be another machine with the same broker id, so we wait.
   */
  readonly predecessorIsDead: boolean;
}

/** Registers and answers the broker epoch: the czxid of the registration. */
export async function register(options: RegistrationOptions): Promise<number> {
  const { zookeeper, brokerId, logger } = options;
  const path = brokerPath(brokerId);
  for (;;) {
    try {
      // Two steps in one, as Kafka does: an ephemeral node without data, then its data at version 0.
      const results = await zookeeper.multi([
        { type: 'create', path, data: null, mode: 'ephemeral' },
        { type: 'setData', path, data: encodeBrokerRegistration({ endpoints: options.endpoints, rack: options.rack, timestamp: options.clock.now() }), version: 0 },
      ]);
      const written = results[1];
      if (written?.type === 'setData') return written.stat.czxid;
    } catch (error) {
      if (!isZkError(error, 'NODEEXISTS')) throw error;
    }
    const gone = await predecessorGone(options, path);
    if (gone.epoch !== undefined) return gone.epoch;
    logger.info({ brokerId }, 'the earlier registration of this broker is gone');
  }
}

/** Kafka exits here with NodeExists. We wait until the session of our last life has expired. */
async function predecessorGone({ zookeeper, brokerId, logger, predecessorIsDead }: RegistrationOptions, path: string): Promise<{ epoch?: number }> {
  let told!: () => void;
  const changed = new Promise<void>(resolve => { told = resolve; });
  const stat = await zookeeper.exists(path, told);
  if (stat === null) return {};
  // Ours: the connection was lost after the registration and before the answer.
  if (stat.ephemeralOwner === zookeeper.sessionId) return { epoch: stat.czxid };
  if (predecessorIsDead) {
    await Promise.all([deleteOwned(zookeeper, path, stat.ephemeralOwner), deleteOwned(zookeeper, ZnodePath.controller, stat.ephemeralOwner)]);
    return {};
  }
  logger.warn({ brokerId, session: stat.ephemeralOwner }, 'this broker is still registered by an earlier session: waiting for that to expire');
  await changed;
  return {};
}

async function deleteOwned(zookeeper: ZooKeeper, path: string, owner: string): Promise<void> {
  const stat = await zookeeper.exists(path);
  if (stat === null || stat.ephemeralOwner !== owner) return;
  await zookeeper.delete(path).catch((error: unknown) => {
    if (!isZkError(error, 'NONODE')) throw error;
  });
}

async function createUnlessThere(zk: ZooKeeper, path: string, data: Uint8Array | null): Promise<void> {
  try {
    await zk.create(path, data);
  } catch (error) {
    if (!isZkError(error, 'NODEEXISTS')) throw error;
  }
}
