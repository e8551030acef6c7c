// The table of what a cluster must show.
import type { Row } from '../suite/table.js';

export const clusterRows: readonly Row[] = [
  { measure: 'CPU of all brokers per GB, RF 3, acks=all, 1 KiB records from librdkafka (linger 5 ms)', case: 'librdkafka', figures: [
    { sample: 'cpuPerGB', unit: 's', digits: 1, must: { ratioAtMost: 0.3 } },
    { sample: 'megabytesPerSecond', unit: 'MB/s', digits: 0, must: 'told' }] },
  { measure: 'the same in batches of 930 KB', case: 'replicated-batches', figures: [
    { sample: 'cpuPerGB', unit: 's', digits: 2, must: { ratioAtMost: 0.4 } },
    { sample: 'megabytesPerSecond', unit: 'MB/s', digits: 0, must: 'told' }] },
  { measure: '32 connections, one acks=all request in flight on each, RF 3: requests/s; CPU of all each; p99', case: 'replicated-connections', figures: [
    { sample: 'requestsPerSecond', unit: '/s', digits: 0, must: { ratioAtLeast: 3 } },
    { sample: 'cpuPerRequest', unit: 'us', digits: 1, must: { ratioAtMost: 0.33 } },
    { sample: 'p99', unit: 'us', digits: 0, must: { ratioAtMost: 0.5 } }] },
  { measure: 'one connection, one in flight, RF 3: p50; p99', case: 'replicated-single', figures: [
    { sample: 'p50', unit: 'us', digits: 0, must: { ratioAtMost: 0.5 } },
    { sample: 'p99', unit: 'us', digits: 0, must: { ratioAtMost: 0.5 } }] },
  { measure: 'open loop, 1,000 requests/s over 3 leaders, RF 3: p50; p99', case: 'replicated-open-loop', figures: [
    { sample: 'p50', unit: 'us', digits: 0, must: { ratioAtMost: 0.5 } },
    { sample: 'p99', unit: 'us', digits: 0, must: { ratioAtMost: 0.3 } }] },
  { measure: 'an empty follower catches up on 5 GB: MB/s; CPU of both per GB', case: 'catch-up', figures: [
    { sample: 'megabytesPerSecond', unit: 'MB/s', digits: 0, must: { ratioAtLeast: 2 } },
    { sample: 'cpuPerGB', unit: 's', digits: 2, must: { ratioAtMost: 0.4 } }] },
  { measure: 'leader of 100 partitions killed: from the end of its session to the last one taking a produce', case: 'leader-killed', figures: [
    { sample: 'tookMs', unit: 'ms', digits: 0, must: { ratioAtMost: 0.3 } }] },
  ...[100, 1_000].map((partitions): Row => ({
    measure: `controlled shutdown of the leader of ${partitions.toLocaleString('en')}: longest time any of them takes no produce`, case: `shutdown-${partitions}`, figures: [
      { sample: 'longestMs', unit: 'ms', digits: 0, must: { ratioAtMost: 0.3 } }],
  })),
  { measure: 'controller killed, 6,000 replicas: from the end of its session until the new one has told everyone', case: 'controller-killed', figures: [
    { sample: 'toldMs', unit: 'ms', digits: 0, must: { ratioAtMost: 0.3 } }] },
  { measure: 'a topic of 300 partitions x RF 3 made', case: 'topic-300', figures: [
    { sample: 'madeMs', unit: 'ms', digits: 0, must: { ratioAtMost: 0.3 } }] },
  ...[300, 2_000].map((partitions): Row => ({
    measure: `3 idle brokers with ${partitions.toLocaleString('en')} x RF 3: CPU of all, in percent of a core; memory of the largest`, case: `idle-${partitions}`, figures: [
      { sample: 'percentOfACore', unit: '%', digits: 1, must: { ratioAtMost: 0.3 } },
      { sample: 'memoryMB', unit: 'MB', digits: 0, must: { atMost: 150 } }],
  })),
  { measure: 'memory of the largest broker (RSS less mapped files) under load', case: 'cluster-memory', figures: [
    { sample: 'peakMB', unit: 'MB', digits: 0, must: { atMost: 150 } }] },
];
