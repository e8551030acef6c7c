// What no client sends, to a server that must bear it.
import { connect as dialRaw } from 'node:net';

/** Sends, and reads until the server hangs up. */
export function rawExchange(address: string, sent: Buffer): Promise<Buffer> {
  const [host, port] = address.split(':');
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const socket = dialRaw({ host: host!, port: Number(port) }, () => socket.write(sent));
    // A server that is starting may take a connection and never answer it.
    socket.setTimeout(5000, () => socket.destroy());
    socket.on('data', part => parts.push(part));
    socket.on('error', error => ('code' in error && error.code === 'ECONNRESET' ? undefined : reject(error)));
    socket.on('close', () => resolve(Buffer.concat(parts)));
  });
}

/** Takes up a session, and reads until the server hangs up. */
export function rawHandshake(address: string, session: bigint, password: Buffer): Promise<Buffer> {
  const packet = Buffer.alloc(4 + 45);
  packet.writeInt32BE(45, 0);
  packet.writeInt32BE(10_000, 16);
  packet.writeBigInt64BE(session, 20);
  packet.writeInt32BE(16, 28);
  password.copy(packet, 32);
  return rawExchange(address, packet);
}
