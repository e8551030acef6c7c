// AlterConfigs, versions 0-2: the older way, by which a resource has afterwards what was said and nothing else.
//   v2  flexible encoding

import { Operation } from '../../config/alter-topic.js';
import { AlterConfigsRequest, AlterConfigsResponse } from '../../protocol/messages.js';
import { alterationAnswer, alterConfigs as alter } from '../config-alteration.js';
import { defineHandler } from '../handler.js';

export const alterConfigs = defineHandler({
  request: AlterConfigsRequest,
  response: AlterConfigsResponse,
  handle: async ({ resources, validateOnly }, _context, broker) => {
    const alterations = resources.map(({ resourceType, resourceName, configs }) => ({
      resourceType, resourceName, operations: configs.map(({ name, value }) => ({ name, operation: Operation.set, value })),
    }));
    return { responses: await alter(alterations, { validateOnly, replace: true }, broker) };
  },
  onError: (request, errorCode) => ({ responses: request.resources.map(asked => alterationAnswer(asked, errorCode, null)) }),
});
