// Keys of brokers that no file holds: they are set while the broker runs, or not at all (QuotaConfigs.java). DescribeConfigs
// shows them where they are set, and, as Kafka does, as if nobody could change them.
import type { Definition } from '../definition.js';

export const dynamicOnlyKeys = [
  { name: 'leader.replication.throttled.rate', type: 'long', default: '9223372036854775807', min: 0 },
  { name: 'follower.replication.throttled.rate', type: 'long', default: '9223372036854775807', min: 0 },
  { name: 'replica.alter.log.dirs.io.max.bytes.per.second', type: 'long', default: '9223372036854775807', min: 0 },
] as const satisfies readonly Definition[];
