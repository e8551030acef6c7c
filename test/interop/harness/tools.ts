// Apache Kafka's command line tools by their main class: what bin/kafka-*.sh would run.

import { join } from 'node:path';
import { interop } from './places.js';
import { Program, run, runWell, type Finished, type RunOptions } from './processes.js';
import { javaClassPath } from './provision.js';

const classes = {
  topics: 'org.apache.kafka.tools.TopicCommand',
  configs: 'kafka.admin.ConfigCommand',
  consumerGroups: 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  consoleProducer: 'kafka.tools.ConsoleProducer',
  consoleConsumer: 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  producerPerf: 'org.apache.kafka.tools.ProducerPerformance',
  consumerPerf: 'org.apache.kafka.tools.ConsumerPerformance',
  endToEndLatency: 'org.apache.kafka.tools.EndToEndLatency',
  verifiableProducer: 'org.apache.kafka.tools.VerifiableProducer',
  verifiableConsumer: 'org.apache.kafka.tools.VerifiableConsumer',
  getOffsets: 'org.apache.kafka.tools.GetOffsetShell',
  dumpLog: 'kafka.tools.DumpLogSegments',
  brokerApiVersions: 'kafka.admin.BrokerApiVersionsCommand',
  reassignPartitions: 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand',
  leaderElection: 'org.apache.kafka.tools.LeaderElectionCommand',
  replicaVerification: 'org.apache.kafka.tools.ReplicaVerificationTool',
  zkCli: 'org.apache.zookeeper.ZooKeeperMain',
} as const;

export type Tool = keyof typeof classes;

/** The command line of a Java program; `heap` as -Xmx takes it. A short-lived one gets the cheap compiler: it ends before the other pays. */
export function java(mainClass: string, args: readonly string[], how: { heap?: string; lasting?: boolean; level?: string; classPath?: string } = {}): [string, string[]] {
  const tuning = how.lasting ? ['-XX:+UseG1GC'] : ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
  return ['java', [
    `-Xmx${how.heap ?? '512m'}`, ...tuning, '-Xshare:auto',
    `-Dinterop.level=${how.level ?? 'WARN'}`, `-Dlog4j.configuration=file:${join(interop, 'java/log4j.properties')}`,
    '-cp', how.classPath ?? javaClassPath(), mainClass, ...args,
  ]];
}

/** Runs a tool to its end; one that fails is an error with what it said. */
export function runTool(tool: Tool, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return runWell(...java(classes[tool], args), options);
}

/** Runs a tool that may fail. */
export function tryTool(tool: Tool, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return run(...java(classes[tool], args), options);
}

/** Starts a tool that goes on until it is stopped. */
export function startTool(tool: Tool, args: readonly string[]): Program {
  return new Program(...java(classes[tool], args));
}
