import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.js';
import { silentLogger, type Logger } from '../../base/logger.js';
import type { Random } from '../../base/random.js';
import type { Timers } from '../../base/timers.js';
import { ServerConnection } from './connection.js';
import { ServerCore } from './core.js';
import { recover } from './storage/recovery.js';
import { openDirectory, type Storage } from './storage/storage.js';

export interface EmbeddedZooKeeperOptions {
  readonly dataDir: string;
  readonly host?: string;
  /** 0, the default: any free one. */
  readonly port?: number;
  /** Sessions last from twice to twenty times this long. */
  readonly tickTimeMs?: number;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger?: Logger;
  readonly snapshotAfterBytes?: number;
  /** Instead of `dataDir`. */
  readonly storage?: Storage;
  /** Holds a file against other processes, and against this one. Undefined: somebody else holds it. */
  readonly lock?: (path: string) => DirectoryLock | undefined;
  /** The disk failed, and the server with it. */
  readonly onFailure?: (error: unknown) => void;
}

export interface DirectoryLock {
  release(): void;
}

export interface EmbeddedZooKeeper {
  readonly host: string;
  readonly port: number;
  /** Ends connections, not sessions: they go on when a server is started on the same directory. */
  close(): Promise<void>;
}

const TICK_TIME_MS = 2000;
const SNAPSHOT_AFTER_BYTES = 4 * 1024 * 1024;
const MOST_CONNECTIONS = 1000;
/** Where Apache's server looks below its dataDir. */
const FORMAT_DIRECTORY = 'version-2';
const LOCK_FILE = '.lock';

/**
 * A ZooKeeper for one machine, in this process. Its files are ZooKeeper's own, so that Apache's server, started on the
 * same dataDir, goes on where this one ended. One server at a time: two would write one log.
 */
export async function startEmbeddedZooKeeper(options: EmbeddedZooKeeperOptions): Promise<EmbeddedZooKeeper> {
  const storage = options.storage ?? (await openDirectory(join(options.dataDir, FORMAT_DIRECTORY)));
  // Before anything is read: recovery cuts what the other one may be writing.
  const lock = options.lock?.(join(options.dataDir, LOCK_FILE));
  if (options.lock !== undefined && lock === undefined) {
    throw new Error(`embedded coordination in ${options.dataDir}: is in use by another process (its ${LOCK_FILE} is held)`);
  }
  try {
    return await startLocked(options, storage, () => lock?.release());
  } catch (error) {
    lock?.release();
    throw error;
  }
}

async function startLocked(options: EmbeddedZooKeeperOptions, storage: Storage, unlock: () => void): Promise<EmbeddedZooKeeper> {
  const { tickTimeMs = TICK_TIME_MS, host = '127.0.0.1', port = 0, snapshotAfterBytes = SNAPSHOT_AFTER_BYTES, logger = silentLogger } = options;
  const recovered = await recover(storage);
  const connections = new Set<ServerConnection>();
  const server = createServer({ noDelay: true });
  const core = new ServerCore({
    storage, recovered, logger, snapshotAfterBytes, clock: options.clock, timers: options.timers, random: options.random,
    minSessionTimeoutMs: 2 * tickTimeMs, maxSessionTimeoutMs: 20 * tickTimeMs,
    onFailure(error) {
      server.close();
      for (const connection of connections) connection.destroy();
      options.onFailure?.(error);
    },
    onRelieved() {
      for (const connection of connections) connection.resume();
    },
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.on('connection', socket => {
    const connection = new ServerConnection(socket, core, () => connections.size);
    connections.add(connection);
    socket.on('close', () => connections.delete(connection));
  });
  const address = await listen(server, host, port).catch(async (error: unknown) => {
    await core.close();
    throw error;
  });
  logger.info({ host, port: address.port }, 'embedded coordination listens');
  let closing: Promise<void> | undefined;
  return {
    host,
    port: address.port,
    close: () => (closing ??= close(server, connections, core).finally(unlock)),
  };
}

function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve(server.address() as AddressInfo);
    });
  });
}

async function close(server: Server, connections: ReadonlySet<ServerConnection>, core: ServerCore): Promise<void> {
  const closed = new Promise<void>(resolve => server.close(() => resolve()));
  for (const connection of connections) connection.destroy();
  await core.close();
  await closed;
}
