import { isIPv4, isIPv6 } from 'node:net';
import type { ClientFacts } from '../coordinator/group/coordinator.js';
import type { RequestContext } from '../network/request.js';

/** The caller as the group coordinator keeps and describes it. */
export function clientFacts({ apiVersion, clientId, connection }: RequestContext): ClientFacts {
  return { apiVersion, clientId, clientHost: `/${javaAddress(connection.host)}` };
}

/** An address as Java prints it: IPv6 in full, and what was IPv4 as IPv4. It goes into __consumer_offsets, so it has to match. */
export function javaAddress(host: string): string {
  if (!isIPv6(host)) return host;
  const [address, zone] = host.split('%', 2);
  const mapped = /^::ffff:(.*)$/i.exec(address!)?.[1];
  if (mapped !== undefined && isIPv4(mapped)) return mapped;

  const [head, tail] = address!.split('::', 2).map(half => half === '' ? [] : half.split(':').flatMap(group => isIPv4(group) ? asGroups(group) : [group]));
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - head!.length - tail.length }, () => '0');
  const groups = [...head!, ...zeros, ...tail ?? []].map(group => parseInt(group, 16).toString(16));
  return zone === undefined ? groups.join(':') : `${groups.join(':')}%${zone}`;
}

/** The last four bytes of an IPv6 address may be spelled as an IPv4 one. */
function asGroups(address: string): string[] {
  const [a, b, c, d] = address.split('.').map(Number);
  return [((a! << 8) | b!).toString(16), ((c! << 8) | d!).toString(16)];
}
