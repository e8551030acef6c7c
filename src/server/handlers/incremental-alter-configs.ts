// IncrementalAlterConfigs, versions 0-1: settings of topics and brokers, and levels of loggers, one by one (KIP-339).
//   v1  flexible encoding

import { IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse } from '../../protocol/messages.js';
import { alterationAnswer, alterConfigs } from '../config-alteration.js';
import { defineHandler } from '../handler.js';

export const incrementalAlterConfigs = defineHandler({
  request: IncrementalAlterConfigsRequest,
  response: IncrementalAlterConfigsResponse,
  handle: async ({ resources, validateOnly }, _context, broker) => {
    const alterations = resources.map(({ resourceType, resourceName, configs }) => ({
      resourceType, resourceName, operations: configs.map(({ name, configOperation, value }) => ({ name, operation: configOperation, value })),
    }));
    return { responses: await alterConfigs(alterations, { validateOnly, replace: false }, broker) };
  },
  onError: (request, errorCode) => ({ responses: request.resources.map(asked => alterationAnswer(asked, errorCode, null)) }),
});
