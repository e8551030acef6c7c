// InitProducerId, versions 0-5: an identity for an idempotent producer.
//   v2  flexible encoding
//   v3  a producer may name the id and epoch it has (KIP-360)
//   v4  clients know PRODUCER_FENCED
//   v5  clients know TRANSACTION_ABORTABLE
// Without a transactional id every call gives a fresh id, whatever the caller had before. Transactional ids are not
// served: an error that clients do not try again says so.

import { ErrorCode } from '../../protocol/errors.js';
import { InitProducerIdRequest, InitProducerIdResponse } from '../../protocol/messages.js';
import type { InitProducerIdResponseInput } from '../../protocol/messages.js';
import { defineHandler } from '../handler.js';
import type { BrokerServices } from '../services.js';

const NONE = -1;

export const initProducerId = defineHandler({
  request: InitProducerIdRequest,
  response: InitProducerIdResponse,
  handle: (request, _context, broker) => answer(request, broker),
  onError: (_request, errorCode) => refuse(errorCode),
});

async function answer({ transactionalId, transactionTimeoutMs, producerId, producerEpoch }: InitProducerIdRequest, broker: BrokerServices): Promise<InitProducerIdResponseInput> {
  if ((producerId === NONE) !== (producerEpoch === NONE)) return refuse(ErrorCode.InvalidRequest);
  if (transactionalId === null) {
    const fresh = await broker.producerIds.next();
    return fresh === null ? refuse(ErrorCode.CoordinatorLoadInProgress) : { errorCode: ErrorCode.None, producerId: fresh, producerEpoch: 0 };
  }
  if (transactionalId === '') return refuse(ErrorCode.InvalidRequest);
  if (transactionTimeoutMs <= 0 || transactionTimeoutMs > broker.config.number('transaction.max.timeout.ms')) return refuse(ErrorCode.InvalidTransactionTimeout);
  return refuse(ErrorCode.UnsupportedVersion);
}

function refuse(errorCode: number): InitProducerIdResponseInput {
  return { errorCode, producerId: NONE, producerEpoch: NONE };
}
