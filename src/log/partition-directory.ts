// Names of partition directories: `<topic>-<partition>`, and with a suffix while they are on their way out or in
// (UnifiedLog.parseTopicPartitionName, LocalLog.logDeleteDirName).

import { topicName, type TopicName } from '../base/topic-name.js';

export type DirectoryKind = 'live' | 'delete' | 'future' | 'stray';

export interface PartitionDirectory {
  readonly name: string;
  readonly topic: TopicName;
  readonly partition: number;
  readonly kind: DirectoryKind;
}

const LONGEST_NAME = 255;
const SUFFIXED = /^(\S+)\.\S+-(delete|future|stray)$/;
const SUFFIX = /-(delete|future|stray)$/;

/** undefined: no name of a partition directory. */
export function parseDirectoryName(name: string): PartitionDirectory | undefined {
  const suffixed = SUFFIXED.exec(name);
  // `orders-delete` is neither partition "delete" of orders nor a directory being deleted.
  if (suffixed === null && SUFFIX.test(name)) return undefined;
  const base = suffixed?.[1] ?? name;
  const dash = base.lastIndexOf('-');
  const [topic, partition] = [topicName(base.slice(0, Math.max(dash, 0))), base.slice(dash + 1)];
  if (topic === undefined || !/^[0-9]{1,10}$/.test(partition) || Number(partition) > 0x7fffffff) return undefined;
  return { name, topic, partition: Number(partition), kind: (suffixed?.[2] as DirectoryKind | undefined) ?? 'live' };
}

export function liveName(topic: TopicName, partition: number): string {
  return `${topic}-${partition}`;
}

/** `unique` is 32 hexadecimal digits. The topic is cut so that the name fits a file system. */
export function suffixedName(topic: TopicName, partition: number, kind: 'delete' | 'stray', unique: string): string {
  const tail = `-${partition}.${unique}-${kind}`;
  return topic.slice(0, LONGEST_NAME - tail.length) + tail;
}

/** The topic is never cut: from this name the replica must be found again. Over 255 characters is the caller's to refuse. */
export function futureName(topic: TopicName, partition: number, unique: string): string {
  return `${topic}-${partition}.${unique}-future`;
}
