/**
 * Bytes that are no message, or a message its version cannot say. On a server connection it ends the connection
 * without an answer, as Kafka ends it (SocketServer.scala).
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

export function truncated(wanted: number, remaining: number): never {
  throw new ProtocolError(`needs ${wanted} more bytes, ${remaining} are left`);
}
