import { ErrorCode } from '../../protocol/errors.js';
import type { Group } from './group.js';
import { Member } from './member.js';
import { beginRebalance, sessionOver } from './rebalance.js';
import { joinError, syncError } from './replies.js';
import { subscribedTopics } from './subscription.js';

/** Builds the living group from what the log says of it. Its members have a full session to be heard of. */
export function restore(group: Group): void {
  const { saved, environment } = group;
  if (saved === null) return;
  group.generation = saved.generation;
  group.protocolType = saved.protocolType === '' ? null : saved.protocolType;
  group.protocolName = saved.protocol;
  group.leaderId = saved.leader;
  for (const each of saved.members) {
    const { memberId, groupInstanceId, clientId, clientHost } = each;
    const member: Member = new Member({
      memberId, groupInstanceId, clientId, clientHost,
      rebalanceTimeoutMs: each.rebalanceTimeout,
      sessionTimeoutMs: each.sessionTimeout,
      // The log keeps only the protocol that was chosen.
      protocols: [{ name: saved.protocol ?? '', metadata: each.subscription }],
    }, environment.alarm(() => sessionOver(group, member)));
    member.assignment = each.assignment;
    group.add(member, saved.protocolType);
    member.session.set(member.sessionTimeoutMs);
  }
  group.state = saved.members.length === 0 ? 'Empty' : 'Stable';
  group.stateSince = saved.currentStateTimestamp;
  group.subscribed = subscribedTopics(group);
  // Members get a chance to commit before some of them have to go.
  if (group.members.size > environment.limits.maxSize) beginRebalance(group, 'more members than group.max.size');
}

/** The partition has another leader. Whoever waits is sent to it. */
export function unload(group: Group): void {
  if (group.state !== 'Dead') group.enter('Dead');
  group.joinAlarm?.clear();
  group.syncAlarm?.clear();
  for (const expiry of group.pending.values()) expiry.clear();
  for (const member of group.members.values()) {
    group.answerJoin(member, joinError(member.memberId, ErrorCode.NotCoordinator));
    member.answerSync(syncError(ErrorCode.NotCoordinator));
    member.session.clear();
  }
}
