// The state of a log's producers from what is on disk: the newest snapshot, and the batches behind it.

import { ScanField } from '../native/exchange.js';
import { learnProducer } from './kept-batches.js';
import type { PartitionLog } from './partition-log.js';
import type { ProducerStateManager } from './producer-state.js';

/** Fills `producers`, which is empty, with the state at the end of the log. `each` sees every batch that had to be read for it. */
export async function replayProducers(log: PartitionLog, producers: ProducerStateManager, now: number, each: (fields: Float64Array, at: number) => void = () => {}): Promise<void> {
  const snapshot = await log.snapshots.loadNewest(log.endOffset);
  if (snapshot !== undefined) producers.load(snapshot.producers, now);
  const from = Math.max(snapshot?.offset ?? 0, log.startOffset);
  await log.scan(from, (fields, at) => {
    each(fields, at);
    const producerId = fields[at + ScanField.producerId]!;
    // The first batch of a scan may begin before the snapshot, and is in it.
    if (producerId < 0 || fields[at + ScanField.lastOffset]! < from) return;
    learnProducer(producers, {
      producerId,
      producerEpoch: fields[at + ScanField.producerEpoch]!,
      attributes: fields[at + ScanField.attributes]!,
      baseSequence: fields[at + ScanField.baseSequence]!,
      baseOffset: fields[at + ScanField.baseOffset]!,
      lastOffset: fields[at + ScanField.lastOffset]!,
      maxTimestamp: fields[at + ScanField.maxTimestamp]!,
      controlType: fields[at + ScanField.controlType]!,
      coordinatorEpoch: fields[at + ScanField.coordinatorEpoch]!,
    });
  });
}
