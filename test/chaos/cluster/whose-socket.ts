// Which process a connection on this machine comes from: Linux knows the socket by its ports, and the process by the socket.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** The inode of the socket that connected from `port` to `target`; a JVM's is listed among those of IPv6. */
function inodeOf(port: number, target: number): string | undefined {
  const hex = (number: number): string => number.toString(16).toUpperCase().padStart(4, '0');
  const ends = new RegExp(`^\\s*\\d+: [0-9A-F]+:${hex(port)} [0-9A-F]+:${hex(target)} (?:\\S+\\s+){6}(\\d+)`, 'm');
  return ['/proc/net/tcp', '/proc/net/tcp6'].map(table => ends.exec(readFileSync(table, 'utf8'))?.[1]).find(inode => inode !== undefined && inode !== '0');
}

/** The one of `pids` that holds the socket. */
export function whoseSocket(port: number, target: number, pids: Iterable<number>): number | undefined {
  const inode = inodeOf(port, target);
  if (inode === undefined) return undefined;
  for (const pid of pids) if (holds(pid, `socket:[${inode}]`)) return pid;
  return undefined;
}

function holds(pid: number, link: string): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).some(fd => {
      try {
        return readlinkSync(`${folder}/${fd}`) === link;
      } catch {
        return false;   // Closed since.
      }
    });
  } catch {
    return false;   // The process has ended.
  }
}
