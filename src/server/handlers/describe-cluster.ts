// DescribeCluster, versions 0-1.
//   v1  the kind of endpoint asked for: brokers; controllers are asked for in KRaft mode only

import { ErrorCode } from '../../protocol/errors.js';
import { DescribeClusterRequest, DescribeClusterResponse } from '../../protocol/messages.js';
import { defineHandler } from '../handler.js';

const BROKERS = 1;
const NOT_ASKED = -2147483648;

export const describeCluster = defineHandler({
  request: DescribeClusterRequest,
  response: DescribeClusterResponse,
  handle: (request, context, broker) => {
    if (context.apiVersion >= 1 && request.endpointType !== BROKERS) {
      return { errorCode: ErrorCode.MismatchedEndpointType, errorMessage: 'The request was sent to an endpoint of the wrong type.' };
    }
    return {
      errorCode: ErrorCode.None,
      errorMessage: null,
      endpointType: BROKERS,
      clusterId: broker.clusterId,
      controllerId: broker.metadata.controllerId,
      brokers: [...broker.metadata.brokers()].flatMap(({ id, rack, endpoints }) => {
        const endpoint = endpoints.find(({ listener }) => listener === context.connection.listener);
        return endpoint === undefined ? [] : [{ brokerId: id, host: endpoint.host, port: endpoint.port, rack }];
      }),
      clusterAuthorizedOperations: NOT_ASKED,
    };
  },
});
