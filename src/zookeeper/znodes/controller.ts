import { bytes, integer, object, parse } from './json.js';

/** /controller, ephemeral, version 2. */
export interface ControllerRegistration {
  readonly brokerId: number;
  readonly timestamp: number;
  /** -1 where no KRaft controller is migrating this cluster. */
  readonly kraftControllerEpoch: number;
}

export function encodeController(controller: Omit<ControllerRegistration, 'kraftControllerEpoch'> & { readonly kraftControllerEpoch?: number }): Buffer {
  return bytes(object({ version: 2, brokerid: controller.brokerId, timestamp: String(controller.timestamp), kraftControllerEpoch: controller.kraftControllerEpoch ?? -1 }));
}

export function decodeController(data: Uint8Array): ControllerRegistration {
  const fields = parse(data);
  return { brokerId: integer(fields, 'brokerid'), timestamp: integer(fields, 'timestamp', -1), kraftControllerEpoch: integer(fields, 'kraftControllerEpoch', -1) };
}

/** /controller_epoch: the bare number. */
export const encodeControllerEpoch = (epoch: number): Buffer => Buffer.from(String(epoch));
export const decodeControllerEpoch = (data: Uint8Array): number => integer({ epoch: Buffer.from(data).toString() }, 'epoch');
