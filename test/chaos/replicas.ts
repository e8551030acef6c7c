// Whether the replicas of a partition hold the same bytes: their segment files, batch by batch. Nothing is asked of a broker.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BATCH_LENGTH_OVERHEAD, BatchView, walkBatches } from '../../src/protocol/records/index.js';

/** The batches of one replica from its directory, the segments one behind the other. */
export function* batchesOf(directory: string): Generator<BatchView, void, void> {
  for (const segment of readdirSync(directory).filter(name => name.endsWith('.log')).toSorted()) {
    const bytes = readFileSync(join(directory, segment));
    // Space that is allocated and not written yet holds zeros; a batch never has length zero.
    let end = 0;
    while (end + BATCH_LENGTH_OVERHEAD <= bytes.length && bytes.readInt32BE(end + 8) > 0) end += bytes.readInt32BE(end + 8) + BATCH_LENGTH_OVERHEAD;
    yield* walkBatches(bytes, 0, Math.min(end, bytes.length));
  }
}

/** One line for the first difference of each replica from the first one; below the later of the two log starts nothing is compared. */
export function differences(replicas: ReadonlyMap<string, Iterable<BatchView>>): string[] {
  const [first, ...others] = [...replicas].map(([name, batches]) => ({ name, batches: [...batches].map(batch => ({ ...told(batch), bytes: Buffer.from(batch.bytes) })) }));
  if (first === undefined) return [];
  return others.flatMap(other => {
    const start = Math.max(first.batches[0]?.base ?? 0, other.batches[0]?.base ?? 0);
    const [ours, theirs] = [first, other].map(({ batches }) => batches.filter(({ base }) => base >= start)) as [typeof first.batches, typeof first.batches];
    const at = ours.findIndex((batch, index) => theirs[index] === undefined || !batch.bytes.equals(theirs[index].bytes));
    if (at < 0 && theirs.length === ours.length) return [];
    const index = at < 0 ? ours.length : at;
    return [`${first.name} has ${describe(ours[index])} where ${other.name} has ${describe(theirs[index])}`];
  });
}

interface Told {
  readonly base: number;
  readonly last: number;
  readonly epoch: number;
  readonly crc: number;
}

function told(batch: BatchView): Told {
  return { base: batch.baseOffset, last: batch.lastOffset, epoch: batch.partitionLeaderEpoch, crc: batch.crc };
}

function describe(batch: Told | undefined): string {
  return batch === undefined ? 'nothing' : `offsets ${batch.base} to ${batch.last} of epoch ${batch.epoch} (crc ${batch.crc.toString(16)})`;
}
