// What a topic takes for a record's create time.

import type { Clock } from '../../base/clock.js';
import type { TopicConfigs } from '../topics/topic-configs.js';

/** The oldest and the newest time that the topic takes now. */
export type TimestampBounds = (topic: string) => readonly [oldest: number, newest: number];

const UNBOUNDED = Number.MAX_VALUE;

export function timestampBounds(configs: TopicConfigs, clock: Clock): TimestampBounds {
  return topic => {
    const { messageTimestampBeforeMaxMs: before, messageTimestampAfterMaxMs: after } = configs.of(topic);
    const now = clock.now();
    return [before >= Number.MAX_SAFE_INTEGER ? -UNBOUNDED : now - before, after >= Number.MAX_SAFE_INTEGER ? UNBOUNDED : now + after];
  };
}
