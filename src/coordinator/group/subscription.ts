import { Reader } from '../../protocol/reader.js';
import { ConsumerProtocolSubscription } from '../../protocol/messages.js';
import type { Group } from './group.js';

/**
 * The topics that the members of a consumer group subscribe to. Null if it is another kind of group, has chosen no
 * protocol, or a member's metadata is not of the consumer protocol; then nobody can tell what it consumes.
 * Every version of a subscription begins with the fields of version 0, so version 0 reads them all.
 */
export function subscribedTopics(group: Group): ReadonlySet<string> | null {
  if (!group.isConsumerGroup) return null;
  if (group.members.size === 0) return new Set();
  if (group.protocolName === null) return null;
  const topics = new Set<string>();
  try {
    for (const member of group.members.values()) {
      const reader = new Reader(member.metadataFor(group.protocolName));
      reader.readInt16();
      for (const topic of ConsumerProtocolSubscription.decode(reader, 0).topics) topics.add(topic);
    }
  } catch (error) {
    group.environment.logger.warn({ group: group.id, error }, 'subscriptions of a consumer group cannot be read');
    return null;
  }
  return topics;
}
