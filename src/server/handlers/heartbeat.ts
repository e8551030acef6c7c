// Heartbeat, versions 0-4: a member is alive, and hears whether it has to join again.
//   v3  static members name their instance
//   v4  flexible encoding

import { HeartbeatRequest, HeartbeatResponse } from '../../protocol/messages.js';
import { defineHandler } from '../handler.js';

export const heartbeat = defineHandler({
  request: HeartbeatRequest,
  response: HeartbeatResponse,
  handle: (request, _context, broker) => broker.groups.members.heartbeat(request),
});
