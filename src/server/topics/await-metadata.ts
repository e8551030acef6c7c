// Waiting until this broker's metadata shows what was asked for (DelayedCreatePartitions, DelayedDeleteTopics).

import type { BrokerServices } from '../services.js';

/** Resolves with the names of those topics that do not have that many led partitions when the time is up. */
export function whenTopicsLed(topics: readonly { readonly name: string; readonly partitions: number }[], timeoutMs: number, broker: BrokerServices): Promise<Set<string>> {
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
  return whenMetadata(() => names.filter(name => broker.metadata.topic(name) !== undefined), timeoutMs, broker);
}

function whenMetadata(missing: () => string[], timeoutMs: number, broker: BrokerServices): Promise<Set<string>> {
  return new Promise(resolve => {
    const first = missing();
    if (first.length === 0 || timeoutMs <= 0) {
      resolve(new Set(first));
      return;
    }
    const end = (left: readonly string[]): void => {
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
