// Names of hosts become addresses here: a lookup may wait for a name server, so neither the main isolate nor a network
// thread makes one.

import { lookup } from 'node:dns/promises';

/** Numeric addresses of a host, in the order in which they are to be tried. Rejects where there is none. */
export type Resolver = (host: string) => Promise<readonly string[]>;

/** As the system resolves names, on libuv's pool. */
export const systemResolver: Resolver = async host => (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address);
