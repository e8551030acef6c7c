// Cutting logs to where they part from the leader's (maybeTruncate and truncateOnFetchResponse of AbstractFetcherThread.scala).

import { ErrorCode } from '../../protocol/errors.js';
import type { FetcherContext } from './fetcher-context.js';
import type { EpochEndAnswer } from './leader-endpoint.js';
import { NO_EPOCH, type PartitionFetchState } from './partition-fetch-state.js';
import { truncationFor, type Truncation } from './truncation.js';

/** Asks the leader where the epochs end that these logs end with, and cuts them; those that know no epoch are cut to their watermark. */
export async function truncateByEpochs(context: FetcherContext, states: readonly PartitionFetchState[]): Promise<void> {
  const work: Promise<void>[] = [];
  const asking: PartitionFetchState[] = [];
  for (const state of states) {
    if (state.partition.log?.epochs.latestEpoch === NO_EPOCH) work.push(truncate(context, state, { offset: state.fetchOffset, completed: true }));
    else asking.push(state);
  }
  if (asking.length > 0) work.push(ask(context, asking));
  await Promise.all(work);
}

async function ask(context: FetcherContext, states: readonly PartitionFetchState[]): Promise<void> {
  const questions = states.map(({ partition, leaderEpoch }) => ({
    topic: partition.topic, partition: partition.index, currentLeaderEpoch: leaderEpoch, leaderEpoch: partition.log?.epochs.latestEpoch ?? NO_EPOCH,
  }));
  let answers: readonly EpochEndAnswer[];
  try {
    answers = await context.endpoint.epochEnds(questions);
  } catch (error) {
    context.logger.warn({ leader: context.endpoint.brokerId, partitions: states.length, error: String(error) }, 'cannot ask where leader epochs end');
    for (const state of states) context.delay(state);
    return;
  }
  await Promise.all(states.map((state, index) => settle(context, state, answers[index]!)));
}

async function settle(context: FetcherContext, state: PartitionFetchState, answer: EpochEndAnswer): Promise<void> {
  if (state.gone) return;
  if (answer.errorCode === ErrorCode.None) await truncateToEpochEnd(context, state, answer.leaderEpoch, answer.endOffset);
  else if (answer.errorCode === ErrorCode.FencedLeaderEpoch) context.fenced(state);
  else context.delay(state);
}

/** The leader's epoch `leaderEpoch` is the largest that is not above what our log ends with, and it ends at `endOffset`. */
export async function truncateToEpochEnd(context: FetcherContext, state: PartitionFetchState, leaderEpoch: number, endOffset: number): Promise<void> {
  const { log } = state.partition;
  if (log === undefined) context.fail(state, 'its log cannot be had');
  else await truncate(context, state, truncationFor(log, leaderEpoch, endOffset, state.fetchOffset));
}

async function truncate(context: FetcherContext, state: PartitionFetchState, truncation: Truncation): Promise<void> {
  const { partition } = state;
  const { log } = partition;
  if (log === undefined) {
    context.fail(state, 'its log cannot be had');
    return;
  }
  const { offset, completed } = truncation;
  const told = { topic: partition.topic, partition: partition.index, offset, completed, endOffset: log.endOffset, highWatermark: partition.highWatermark };
  if (offset < partition.highWatermark) context.logger.warn(told, 'truncating a log below its high watermark');
  else context.logger.info(told, 'truncating a log to where it parts from its leader\'s');
  if (!(await context.work(state, 'truncating its log', () => log.truncateTo(offset)))) return;
  state.fetchOffset = Math.min(offset, log.endOffset);
  state.lastFetchedEpoch = log.epochs.latestEpoch;
  // Where answers tell of divergence, the next one asks on.
  state.truncating = !completed && !context.endpoint.tellsDivergence;
  context.changed(state);
}
