// Who changes the ISR, by inter.broker.protocol.version.
import { expect, test } from 'vitest';
import { silentLogger } from '../../src/base/logger.js';
import { loadConfig } from '../../src/config/load.js';
import { ControllerAlterPartitionManager } from '../../src/replication/alter-partition-manager.js';
import { ZooKeeperIsrWriter } from '../../src/replication/zookeeper-isr-writer.js';
import { alterPartitionManager } from '../../src/server/replication.js';
import type { ZooKeeper } from '../../src/zookeeper/types.js';
import { SteppedTime } from '../support/stepped-time.js';

test('the controller since 2.7, and before it the leader', () => {
  const time = new SteppedTime();
  for (const [version, manager] of [['2.6', ZooKeeperIsrWriter], ['2.7-IV1', ZooKeeperIsrWriter], ['2.7', ControllerAlterPartitionManager], ['3.9', ControllerAlterPartitionManager]] as const) {
    const config = loadConfig({ overrides: [`inter.broker.protocol.version=${version}`] });
    const made = alterPartitionManager(config, { brokerId: 1, brokerEpoch: () => 1, controller: () => undefined, zookeeper: {} as ZooKeeper, clock: time, timers: time, logger: silentLogger });
    expect(made, version).toBeInstanceOf(manager);
    made.close();
  }
});
