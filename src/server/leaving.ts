// Before a broker goes it asks the controller to have others lead its partitions (KafkaServer.controlledShutdown). When it
// has been refused often enough, it goes all the same.

import type { Logger } from '../base/logger.js';
import type { Timers } from '../base/timers.js';
import { ErrorCode } from '../protocol/errors.js';
import { ControlledShutdownRequest, type ControlledShutdownResponse } from '../protocol/messages.js';
import type { ToController } from './to-controller.js';

export interface LeavingOptions {
  readonly brokerId: number;
  readonly brokerEpoch: () => number;
  readonly controller: ToController;
  /** By inter.broker.protocol.version. */
  readonly version: number;
  /** controlled.shutdown.max.retries: attempts in all. */
  readonly attempts: number;
  /** controlled.shutdown.retry.backoff.ms */
  readonly backoffMs: number;
  /** controller.socket.timeout.ms */
  readonly timeoutMs: number;
  readonly timers: Timers;
  readonly logger: Logger;
}

/** Whether the controller let it go. */
export async function handOver(options: LeavingOptions): Promise<boolean> {
  const { attempts, backoffMs, timers, logger } = options;
  for (let left = attempts; left > 0; left--) {
    const why = await refusal(options);
    if (why === undefined) return true;
    logger.info({ ...why, left: left - 1 }, 'the controller did not let this broker go yet');
    if (left > 1) await new Promise<void>(resolve => void timers.after(backoffMs, resolve));
  }
  logger.warn({ attempts }, 'leaving without the consent of the controller');
  return false;
}

async function refusal({ brokerId, brokerEpoch, controller, version, timeoutMs }: LeavingOptions): Promise<object | undefined> {
  try {
    const { errorCode, remainingPartitions } = await controller.askOnce<ControlledShutdownResponse>(ControlledShutdownRequest, { brokerId, brokerEpoch: brokerEpoch() }, { timeoutMs, version });
    if (errorCode !== ErrorCode.None) return { errorCode };
    return remainingPartitions.length > 0 ? { remaining: remainingPartitions.length } : undefined;
  } catch (error) {
    return { error: String(error) };
  }
}
