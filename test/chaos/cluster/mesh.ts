// The roads between the members of a cluster, each of which can be cut: a proxy on loopback stands before every member's
// listener and knows from whom each connection comes.
//
//   reset   connections end at once, and new ones end as they come: a host that is gone
//   stall   bytes wait, and go on when the road is open again: a network that loses packets. Both may hold for one direction.
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export type Cut = 'reset' | 'stall';

export interface Door {
  /** Whom one reaches by it. */
  readonly to: string;
  /** Where that member really listens. */
  readonly port: number;
  /** The port of the proxy; any free one if not given. */
  readonly at?: number;
  /** Who comes by a connection from this port of the door's clients. Undefined: somebody who is no member, and whom no cut concerns. */
  readonly from: (remotePort: number, door: number) => string | undefined;
}

interface Road {
  readonly from: string | undefined;
  readonly to: string;
  readonly client: Socket;
  readonly server: Socket;
}

export class Mesh {
  readonly #cuts = new Map<string, Cut>();
  readonly #roads = new Set<Road>();
  readonly #servers: Server[] = [];

  /** Opens a proxy before a member; its port. */
  async open(door: Door): Promise<number> {
    // Bytes that a stalled client sends must not be read: they are still on their way.
    const server = createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true }, client => this.#enter(door, client, (server.address() as AddressInfo | null)?.port ?? 0));
    this.#servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(door.at ?? 0, '127.0.0.1', resolve);
    });
    return (server.address() as AddressInfo).port;
  }

  /** What `from` sends does not reach `to`. Told twice, the latter counts. */
  cut(from: string, to: string, how: Cut): void {
    this.#cuts.set(way(from, to), how);
    this.#obey();
  }

  mend(from: string, to: string): void {
    this.#cuts.delete(way(from, to));
    this.#obey();
  }

  mendAll(): void {
    this.#cuts.clear();
    this.#obey();
  }

  async close(): Promise<void> {
    for (const { client, server } of this.#roads) {
      client.destroy();
      server.destroy();
    }
    await Promise.all(this.#servers.map(server => new Promise(resolve => server.close(resolve))));
  }

  #enter(door: Door, client: Socket, port: number): void {
    const from = client.remotePort === undefined ? undefined : door.from(client.remotePort, port);
    client.on('error', () => client.destroy());
    if (from !== undefined && this.#isReset(from, door.to)) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ host: '127.0.0.1', port: door.port, noDelay: true, allowHalfOpen: true });
    server.pause();
    const road: Road = { from, to: door.to, client, server };
    this.#roads.add(road);
    this.#join(road, client, server);
    this.#join(road, server, client);
    this.#steer(road);
  }

  /** Carries what one end sends to the other, at the pace of the slower. */
  #join(road: Road, source: Socket, sink: Socket): void {
    source.on('data', bytes => {
      if (sink.write(bytes)) return;
      source.pause();
      sink.once('drain', () => this.#steer(road));
    });
    source.on('end', () => sink.end());
    source.on('error', () => source.destroy());
    source.on('close', () => {
      this.#roads.delete(road);
      // What was received is still delivered, unless the other end is gone too.
      if (source.errored === null) sink.end();
      else sink.destroy();
    });
  }

  /** Reads from each end as long as its bytes may pass. */
  #steer({ from, to, client, server }: Road): void {
    for (const [source, sink, cut] of [[client, server, this.#cut(from, to)], [server, client, this.#cut(to, from)]] as const) {
      if (cut === 'stall' || sink.writableNeedDrain) source.pause();
      else source.resume();
    }
  }

  #obey(): void {
    for (const road of this.#roads) {
      if (road.from !== undefined && this.#isReset(road.from, road.to)) {
        road.client.resetAndDestroy();
        road.server.resetAndDestroy();
      } else {
        this.#steer(road);
      }
    }
  }

  #cut(from: string | undefined, to: string | undefined): Cut | undefined {
    return from === undefined || to === undefined ? undefined : this.#cuts.get(way(from, to));
  }

  /** A connection needs both directions. */
  #isReset(a: string, b: string): boolean {
    return this.#cut(a, b) === 'reset' || this.#cut(b, a) === 'reset';
  }
}

const way = (from: string, to: string): string => `${from}>${to}`;
