// Waiting until this broker's metadata shows what was asked for (DelayedCreatePartitions, DelayedDeleteTopics).

import type { BrokerServices } from '../services.js';

/** Resolves with the names of those topics that do not have that many led partitions when the time is up. */
export function whenTopicsLed(topics: readonly { readonly name: string; readonly partitions: number }[], timeoutMs: number, broker: BrokerServices): Promise<Set<string>> {
  if (timeoutMs <= 0) return late(topics.map(({ name }) => name));
  const isLed = ({ name, partitions }: { name: string; partitions: number }): boolean => {
    const known = broker.metadata.topic(name)?.partitions;
    if (known === undefined || known.size < partitions) return false;
    for (const state of known.values()) if (broker.metadata.broker(state.leader) === undefined) return false;
    return true;
  };
  return whenMetadata(() => topics.filter(topic => !isLed(topic)).map(({ name }) => name), timeoutMs, broker);
}

/** The same for topics that are to be gone. */
export function whenTopicsGone(names: readonly string[], timeoutMs: number, broker: BrokerServices): Promise<Set<string>> {
  if (timeoutMs <= 0) return late(names);
  return whenMetadata(() => names.filter(name => broker.metadata.topic(name) !== undefined), timeoutMs, broker);
}

/** Who gives no time is told that it was not enough, however quick it went (ZkAdminManager.scala). */
function late(names: readonly string[]): Promise<Set<string>> {
  return Promise.resolve(new Set(names));
}

export interface ExpectedLeader {
  readonly topic: string;
  readonly partition: number;
  readonly leader: number;
}

/** Resolves with those that are not led as expected when the time is up. Without any time they are looked at once. */
export async function whenLedBy(expected: readonly ExpectedLeader[], timeoutMs: number, broker: BrokerServices): Promise<ExpectedLeader[]> {
  const missing = (): ExpectedLeader[] => expected.filter(({ topic, partition, leader }) => broker.metadata.topic(topic)?.partitions.get(partition)?.leader !== leader);
  return [...await whenMetadata(missing, timeoutMs, broker)];
}

function whenMetadata<Missing>(missing: () => Missing[], timeoutMs: number, broker: BrokerServices): Promise<Set<Missing>> {
  return new Promise(resolve => {
    const first = missing();
    if (first.length === 0) {
      resolve(new Set());
      return;
    }
    const end = (left: readonly Missing[]): void => {
      stopWatching();
      timer.cancel();
      resolve(new Set(left));
    };
    const timer = broker.timers.after(timeoutMs, () => end(missing()));
    const stopWatching = broker.metadata.onUpdate(() => {
      const left = missing();
      if (left.length === 0) end(left);
    });
  });
}
