// ApiVersions, versions 0-4: what this broker speaks.
//   v1  throttle time; v3 flexible encoding, and the client names its software (KIP-511)
//   v4  supported features whose least level is 0 are kept (there are none in ZooKeeper mode)

import { ErrorCode } from '../../protocol/errors.js';
import { ApiVersionsRequest, ApiVersionsResponse, type ApiVersionsResponseInput } from '../../protocol/messages.js';
import type { ApiVersionsTable } from '../api-versions.js';
import { defineHandler } from '../handler.js';

const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

export const apiVersions = defineHandler({
  request: ApiVersionsRequest,
  response: ApiVersionsResponse,
  handle: (request, context, broker) => {
    const named = context.apiVersion < 3 || (SOFTWARE.test(request.clientSoftwareName) && SOFTWARE.test(request.clientSoftwareVersion));
    return named ? answer(broker.apiVersions) : { errorCode: ErrorCode.InvalidRequest };
  },
});

function answer({ advertised, finalizedFeatures }: ApiVersionsTable): ApiVersionsResponseInput {
  return {
    errorCode: ErrorCode.None,
    apiKeys: [...advertised],
    finalizedFeaturesEpoch: finalizedFeatures.epoch,
    finalizedFeatures: Object.entries(finalizedFeatures.features).map(([name, level]) => ({ name, maxVersionLevel: level, minVersionLevel: level })),
  };
}
