// A log that follows: what it learns of what the leader wrote, and what is left when it is cut back to where their ways part.
import { expect, test } from 'vitest';
import { Verdict } from '../../src/log/producer-state.js';
import { NativeCode } from '../../src/native/codes.js';
import { ErrorCode } from '../../src/protocol/errors.js';
import { endTxnMarkerBatch } from '../../src/protocol/records/index.js';
import { batch, tampered } from '../support/batches.js';
import { nativeLog, type NativeLog } from './support/native-log.js';

const PRODUCER = 5;
/** One record of an idempotent producer, or several, as the leader of an epoch wrote them. */
const written = (baseOffset: number, partitionLeaderEpoch: number, baseSequence: number, values = ['v'], producerId = PRODUCER): Buffer =>
  batch(values, { baseOffset, partitionLeaderEpoch, producerId, producerEpoch: 0, baseSequence });
const plain = (baseOffset: number, partitionLeaderEpoch: number, values = ['v']): Buffer => batch(values, { baseOffset, partitionLeaderEpoch });
const epochs = ({ log }: NativeLog): number[][] => log.epochs.entries.map(({ epoch, startOffset }) => [epoch, startOffset]);
/** What a producer's batch with this sequence would be told if this log led. */
const verdict = ({ log }: NativeLog, sequence: number, producerId = PRODUCER): Verdict => log.producers.check(producerId, 0, sequence, sequence, false);

test('several batches of several epochs and producers in one append: each is learned where it begins', async () => {
  const story = await nativeLog();
  let ends = 0;
  story.log.onAppended = () => { ends++; };
  const end = await story.append(Buffer.concat([plain(0, 2, ['a', 'b']), written(2, 2, 0), written(3, 4, 1), written(4, 7, 0, ['x', 'y'], 6), plain(6, 7)]));
  expect(end).toEqual({ code: 0, baseOffset: 0, lastOffset: 6, leaderEpoch: 7, kept: true });
  expect([story.log.endOffset, ends]).toEqual([7, 1]);
  expect(epochs(story)).toEqual([[2, 0], [4, 3], [7, 4]]);
  expect([verdict(story, 1), verdict(story, 2), verdict(story, 1, 6), verdict(story, 2, 6)]).toEqual([Verdict.duplicate, Verdict.accept, Verdict.outOfOrder, Verdict.accept]);
  expect(story.log.producers.duplicateOffset).toBe(3);
});

test('a transaction and its marker are learned, and one that compaction has emptied is none', async () => {
  const story = await nativeLog();
  const open = (baseOffset: number): Buffer => batch(['v'], { baseOffset, partitionLeaderEpoch: 1, producerId: PRODUCER, producerEpoch: 0, baseSequence: baseOffset, transactional: true });
  const marker = (baseOffset: number): Buffer => endTxnMarkerBatch({ type: 'commit', producerId: PRODUCER, producerEpoch: 0, coordinatorEpoch: 3, timestamp: 1000, baseOffset, partitionLeaderEpoch: 1 });
  await story.append(Buffer.concat([plain(0, 1), open(1)]));
  expect(story.log.producers.firstUndecidedOffset).toBe(1);
  await story.append(marker(2));
  expect([story.log.producers.firstUndecidedOffset, story.log.producers.firstUnstableOffset, story.log.producers.find(PRODUCER)!.coordinatorEpoch]).toEqual([undefined, 1, 3]);
  await story.append(open(3));
  const empty = tampered(marker(4).subarray(0, 61), bytes => { bytes.writeInt32BE(61 - 12, 8); bytes.writeInt32BE(0, 57); });
  expect((await story.append(empty)).kept).toBe(true);
  expect(story.log.producers.firstUndecidedOffset).toBe(3);
});

test('an append that keeps nothing moves nothing, and one that is broken keeps nothing', async () => {
  const story = await nativeLog();
  await story.append(plain(0, 1));
  let moved = false;
  story.log.onAppended = () => { moved = true; };
  const next = plain(1, 1);
  expect(await story.append(next.subarray(0, 40))).toEqual({ code: 0, baseOffset: -1, lastOffset: -1, leaderEpoch: -1, kept: false });
  expect((await story.append(plain(1, 9), 8)).kept).toBe(false);
  expect(await story.append(tampered(next, bytes => { bytes[bytes.length - 1]! ^= 1; }, false))).toMatchObject({ code: NativeCode.corruptBatch, kept: false });
  expect([story.log.endOffset, moved]).toEqual([1, false]);
  expect(await story.append(next)).toMatchObject({ code: 0, baseOffset: 1 });
});

test('an epoch that begins fences what a follower fetched in an earlier one', async () => {
  const story = await nativeLog();
  await story.append(plain(0, 1));
  expect(await story.log.beginEpoch(5)).toEqual({ startOffset: 1 });
  expect(await story.append(plain(1, 1), 4)).toMatchObject({ code: NativeCode.fencedEpoch, kept: false });
  await expect(story.log.beginEpoch(4)).rejects.toMatchObject({ code: NativeCode.fencedEpoch });
  expect(await story.log.beginEpoch(5)).toEqual({ startOffset: 1 });
  expect(await story.append(plain(1, 5), 5)).toMatchObject({ code: 0, kept: true });
});

test('cut back: epochs, producers, snapshots, recovery point and watermark are those of the shorter log, and so is what a crash leaves', async () => {
  const story = await nativeLog({ segmentBytes: 200 });
  for (let offset = 0; offset < 6; offset++) await story.append(written(offset, offset < 3 ? 1 : 2, offset));
  await story.log.flush();
  expect((await story.snapshots()).length).toBeGreaterThan(1);
  let watermark = 5;
  story.log.onTruncated = end => (watermark = Math.min(watermark, end));
  await story.log.truncateTo(2);
  expect([story.log.endOffset, story.log.recoveryPoint, watermark]).toEqual([2, 2, 2]);
  expect(epochs(story)).toEqual([[1, 0]]);
  expect((await story.snapshots()).every(offset => offset <= 2)).toBe(true);
  expect([verdict(story, 1), verdict(story, 2)]).toEqual([Verdict.duplicate, Verdict.accept]);
  await story.append(written(2, 3, 2));
  const later = await story.again();
  expect([later.log.endOffset, epochs(later), verdict(later, 2), verdict(later, 3)]).toEqual([3, [[1, 0], [3, 2]], Verdict.duplicate, Verdict.accept]);
});

test('a cut at the end takes only an epoch in which nothing was written', async () => {
  const story = await nativeLog();
  await story.append(written(0, 1, 0));
  story.log.epochs.assign(4, 1);
  await story.log.truncateTo(1);
  expect([story.log.endOffset, epochs(story), verdict(story, 1)]).toEqual([1, [[1, 0]], Verdict.accept]);
});

test('started anew at an offset, nothing is known of what was before', async () => {
  const story = await nativeLog({ segmentBytes: 200 });
  for (let offset = 0; offset < 5; offset++) await story.append(written(offset, 1, offset));
  await story.log.truncateFullyAndStartAt(100);
  expect([story.log.startOffset, story.log.endOffset, story.log.recoveryPoint, epochs(story), story.log.producers.size, await story.snapshots()]).toEqual([100, 100, 100, [], 0, []]);
  expect(await story.append(plain(100, 6))).toMatchObject({ code: 0, baseOffset: 100 });
  expect(epochs(story)).toEqual([[6, 100]]);
});

test('the start rises as far as the end, and the epochs with it', async () => {
  const story = await nativeLog();
  for (let offset = 0; offset < 4; offset++) await story.append(plain(offset, offset < 2 ? 1 : 2));
  await story.log.raiseStartOffset(3);
  await story.log.raiseStartOffset(1);
  expect([story.log.startOffset, epochs(story)]).toEqual([3, [[2, 3]]]);
  await expect(story.log.raiseStartOffset(5)).rejects.toMatchObject({ code: NativeCode.offsetOutOfRange });
  await story.log.truncateTo(2);
  expect([story.log.startOffset, story.log.endOffset]).toEqual([2, 2]);
});

test('what follows in a log that is closed is told so', async () => {
  const story = await nativeLog();
  await story.log.abandon();
  expect(await story.append(plain(0, 1))).toMatchObject({ code: NativeCode.closed, kept: false });
  expect(story.log.commitAlone(true)).toBe(0);
  story.log.takeBack(ErrorCode.NotLeaderOrFollower);
});
