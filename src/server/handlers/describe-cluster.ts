// DescribeCluster, versions 0-1.
//   v1  the kind of endpoint asked for: brokers; controllers are asked for in KRaft mode only

import { ErrorCode } from '../../protocol/errors.js';
import { DescribeClusterRequest, DescribeClusterResponse } from '../../protocol/messages.js';
import { CLUSTER_OPERATIONS, OPERATIONS_NOT_ASKED } from '../authorized-operations.js';
import { defineHandler } from '../handler.js';

const BROKERS = 1;
const CONTROLLERS = 2;

export const describeCluster = defineHandler({
  request: DescribeClusterRequest,
  response: DescribeClusterResponse,
  handle: (request, context, broker) => {
    if (request.endpointType === CONTROLLERS) {
      return { errorCode: ErrorCode.MismatchedEndpointType, errorMessage: 'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER' };
    }
    if (request.endpointType !== BROKERS) return { errorCode: ErrorCode.UnsupportedEndpointType, errorMessage: `Unsupported endpoint type ${request.endpointType}` };
    const brokers = [...broker.metadata.brokers()].flatMap(({ id, rack, endpoints }) => {
      const endpoint = endpoints.find(({ listener }) => listener === context.connection.listener);
      return endpoint === undefined ? [] : [{ brokerId: id, host: endpoint.host, port: endpoint.port, rack }];
    });
    const { controllerId } = broker.metadata;
    return {
      errorCode: ErrorCode.None,
      errorMessage: null,
      endpointType: BROKERS,
      clusterId: broker.clusterId,
      // One that this listener does not lead to is none.
      controllerId: brokers.some(({ brokerId }) => brokerId === controllerId) ? controllerId : -1,
      brokers,
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? CLUSTER_OPERATIONS : OPERATIONS_NOT_ASKED,
    };
  },
});
