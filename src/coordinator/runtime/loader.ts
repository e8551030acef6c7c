import { invariant } from '../../base/invariant.js';
import type { Logger } from '../../base/logger.js';
import { Compression, walkBatches } from '../../protocol/records/index.js';
import type { CoordinatorLog } from '../log.js';
import { entriesOf } from './batches.js';
import type { Inflate } from './batches.js';
import type { StateMachine } from './state-machine.js';
import type { Turns } from '../../base/turns.js';

// One read, and so one piece of memory, however large the partition is.
const CHUNK_BYTES = 256 * 1024;
// How often replay looks whether its turn is over.
const RECORDS_PER_LOOK = 64;

export interface LoaderOptions<Rec> {
  readonly partition: number;
  readonly machine: StateMachine<Rec>;
  readonly log: CoordinatorLog;
  readonly inflate: Inflate;
  readonly turns: Turns;
  readonly logger: Logger;
  /** offsets.load.buffer.size; chunks are no larger than it. */
  readonly bufferBytes: number;
  /** Asked after every pause: leadership may have moved on meanwhile. */
  readonly cancelled: () => boolean;
}

/** Replays one partition from its start to its end, in steps that let others work. Says where that is; undefined when cancelled. */
export async function load<Rec>(options: LoaderOptions<Rec>): Promise<number | undefined> {
  const { log, partition, machine, inflate, turns, logger, cancelled } = options;
  const chunkBytes = Math.min(CHUNK_BYTES, options.bufferBytes);
  const unknown = new Map<number, number>();
  let replayed = 0;

  let offset = log.logStartOffset(partition);
  for (;;) {
    const { bytes, nextOffset } = await log.read(partition, offset, chunkBytes);
    if (cancelled()) return undefined;
    if (bytes.length === 0) break;
    invariant(nextOffset > offset, `reading ${partition} at ${offset} leads to ${nextOffset}`);
    offset = nextOffset;

    for (const batch of walkBatches(bytes)) {
      const compressed = batch.compression !== Compression.none;
      const inflated = compressed ? await inflate(batch.compression, batch.records) : undefined;
      if (compressed && cancelled()) return undefined;
      for (const entry of entriesOf(batch, inflated)) {
        if (entry.kind === 'marker') machine.endTransaction(entry.producerId, entry.committed);
        else if (!machine.replay(entry.record)) countUnknown(unknown, entry.record.key);
        if (++replayed % RECORDS_PER_LOOK !== 0 || !turns.isOver) continue;
        await turns.next();
        if (cancelled()) return undefined;
      }
    }
  }
  // Left over from an aborted upgrade to KIP-848 groups, most likely (GroupMetadataManager.scala).
  for (const [version, records] of unknown) logger.warn({ partition, version, records }, 'skipped coordinator records of an unknown kind');
  return offset;
}

function countUnknown(counts: Map<number, number>, key: Uint8Array): void {
  const version = key.length >= 2 ? (key[0]! << 8) | key[1]! : -1;
  counts.set(version, (counts.get(version) ?? 0) + 1);
}
