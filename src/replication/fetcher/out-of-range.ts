// Partitions whose leader has nothing at the offset we fetch from (fetchOffsetAndTruncate of AbstractFetcherThread.scala).
//
// It ends below us: we followed a leader that had more, and an unclean election took that away. We end where it ends; what
// is below may differ, and is not looked into, as in Kafka.
// Otherwise: it has deleted what comes next, and we begin anew where it begins; or it has grown meanwhile, and we go on.

import { ErrorCode } from '../../protocol/errors.js';
import type { FetcherContext } from './fetcher-context.js';
import type { FollowedLog } from './followed-partition.js';
import type { LeaderQuestion, OffsetAnswer } from './leader-endpoint.js';
import type { PartitionFetchState } from './partition-fetch-state.js';

type Ask = (questions: readonly LeaderQuestion[]) => Promise<readonly OffsetAnswer[]>;
interface Found {
  readonly state: PartitionFetchState;
  readonly leaderEnd: number;
}

export async function resetOutOfRange(context: FetcherContext, states: readonly PartitionFetchState[]): Promise<void> {
  const { endpoint } = context;
  const behind: Found[] = [];
  const work: Promise<void>[] = [];
  await asked(context, states, questions => endpoint.latestOffsets(questions), (state, leaderEnd) => {
    const { log } = state.partition;
    if (log === undefined) context.fail(state, 'its log cannot be had');
    else if (leaderEnd < log.endOffset) work.push(cutToLeadersEnd(context, state, leaderEnd));
    else behind.push({ state, leaderEnd });
  });
  const ends = new Map(behind.map(({ state, leaderEnd }) => [state, leaderEnd]));
  if (behind.length > 0) {
    await asked(context, [...ends.keys()], questions => endpoint.earliestOffsets(questions), (state, leaderStart) => work.push(goOn(context, state, leaderStart, ends.get(state)!)));
  }
  await Promise.all(work);
}

async function asked(context: FetcherContext, states: readonly PartitionFetchState[], ask: Ask, answered: (state: PartitionFetchState, offset: number) => void): Promise<void> {
  const questions = states.map(({ partition, leaderEpoch }) => ({ topic: partition.topic, partition: partition.index, currentLeaderEpoch: leaderEpoch }));
  let answers: readonly OffsetAnswer[];
  try {
    answers = await ask(questions);
  } catch (error) {
    context.logger.warn({ leader: context.endpoint.brokerId, partitions: states.length, error: String(error) }, 'cannot ask where logs begin and end');
    for (const state of states) context.delay(state);
    return;
  }
  for (const [index, state] of states.entries()) {
    if (state.gone) continue;
    const { errorCode, offset } = answers[index]!;
    if (errorCode === ErrorCode.None) answered(state, offset);
    else if (errorCode === ErrorCode.FencedLeaderEpoch) context.fenced(state);
    else context.delay(state);
  }
}

async function cutToLeadersEnd(context: FetcherContext, state: PartitionFetchState, leaderEnd: number): Promise<void> {
  const { partition } = state;
  const log = partition.log!;
  context.logger.warn({ topic: partition.topic, partition: partition.index, endOffset: log.endOffset, leaderEnd }, 'the leader has less than we have: the log is cut to its end');
  if (!(await context.work(state, 'truncating its log', () => log.truncateTo(leaderEnd)))) return;
  reset(context, state, log, leaderEnd, 0);
}

async function goOn(context: FetcherContext, state: PartitionFetchState, leaderStart: number, leaderEnd: number): Promise<void> {
  const { partition } = state;
  const { log } = partition;
  if (log === undefined) {
    context.fail(state, 'its log cannot be had');
    return;
  }
  const ourEnd = log.endOffset;
  if (leaderStart > ourEnd) {
    context.logger.warn({ topic: partition.topic, partition: partition.index, endOffset: ourEnd, leaderStart }, 'the leader has deleted what comes next: the log begins anew where the leader\'s begins');
    if (!(await context.work(state, 'emptying its log', () => log.truncateFullyAndStartAt(leaderStart)))) return;
  }
  const next = Math.max(leaderStart, ourEnd);
  reset(context, state, log, next, leaderEnd - next);
}

function reset(context: FetcherContext, state: PartitionFetchState, log: FollowedLog, fetchOffset: number, lag: number): void {
  state.fetchOffset = fetchOffset;
  state.lag = Math.max(lag, 0);
  state.truncating = false;
  state.lastFetchedEpoch = log.epochs.latestEpoch;
  context.changed(state);
}
