import type { Timers } from '../../base/timers.js';
import { JuteReader } from '../jute/reader.js';
import { OpCode, readConnectResponse, writeConnectRequest, type ConnectRequest, type ConnectResponse } from '../jute/records.js';
import { frame } from '../jute/writer.js';
import type { ServerAddress } from './address.js';
import { Connection, type Dial } from './connection.js';
import { packet, setXid } from './request.js';
import { GOODBYE_XID } from './xid.js';

export interface HandshakeOptions {
  readonly dial: Dial;
  readonly timers: Timers;
  readonly maxPacketBytes: number;
  /** For the whole of it: a server that accepts and says nothing is as bad as none. */
  readonly handshakeTimeoutMs: number;
}

/**
 * Dials, asks for a session, waits for the answer. The connection comes back with nobody listening: nothing can follow
 * the answer until something is sent, and an end in between is kept in `connection.ended`.
 */
export async function handshake(
  options: HandshakeOptions, server: ServerAddress, request: ConnectRequest, signal: AbortSignal,
): Promise<{ connection: Connection; response: ConnectResponse }> {
  const stop = new AbortController();
  const abandon = (): void => stop.abort();
  signal.addEventListener('abort', abandon);
  const deadline = options.timers.after(options.handshakeTimeoutMs, abandon);
  try {
    const stream = await options.dial(server, stop.signal);
    const connection = new Connection(stream, options.maxPacketBytes);
    const response = await new Promise<ConnectResponse>((resolve, reject) => {
      connection.listen({
        onPacket: answer => resolve(readConnectResponse(new JuteReader(answer))),
        onEnd: reason => reject(new Error(reason)),
      });
      const tooLate = (): void => connection.end('no answer to the handshake');
      if (stop.signal.aborted) tooLate();
      stop.signal.addEventListener('abort', tooLate);
      connection.send(frame(writer => writeConnectRequest(writer, request)));
    });
    connection.listen(undefined);
    return { connection, response };
  } finally {
    deadline.cancel();
    signal.removeEventListener('abort', abandon);
  }
}

/** Says goodbye for a session and waits until the server has answered, hung up, or taken too long. */
export async function endSession(connection: Connection, timers: Timers, timeoutMs: number): Promise<void> {
  const goodbye = packet(OpCode.closeSession, () => {});
  setXid(goodbye, GOODBYE_XID);
  await new Promise<void>(resolve => {
    const deadline = timers.after(timeoutMs, resolve);
    connection.listen({
      onPacket(answer) {
        if (new JuteReader(answer).int32() === GOODBYE_XID) connection.end('closed');
      },
      onEnd() {
        deadline.cancel();
        resolve();
      },
    });
    connection.send(goodbye);
  });
  connection.end('closed');
}
