import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { systemTimers, type Timers } from '../../src/base/timers.js';
import { UpdateMetadataRequest, type UpdateMetadataRequestInput } from '../../src/protocol/messages.js';
import { LocalChannel } from '../../src/server/local-channel.js';
import type { BrokerServices } from '../../src/server/services.js';

/** A broker that keeps what it was told, and a clock on which every look lasts. */
function listening(): { channel: LocalChannel; heard: UpdateMetadataRequest[]; turns: () => number } {
  const heard: UpdateMetadataRequest[] = [];
  let [now, turns] = [0, 0];
  const timers: Timers = { ...systemTimers, after: (ms, action) => { turns++; return systemTimers.after(ms, action); } };
  const replicas = { updateMetadata: (request: UpdateMetadataRequest) => { heard.push(request); return Promise.resolve({ errorCode: 0 }); } };
  const broker = { brokerId: 1, clock: { ...systemClock, monotonic: () => (now += 10) }, timers, replicas, config: { listeners: { interBroker: 'PLAINTEXT' } } };
  return { channel: new LocalChannel(() => broker as unknown as BrokerServices), heard, turns: () => turns };
}

test('what is said of very many partitions is taken over in turns and heard whole', async () => {
  for (const sizes of [[], [0], [3], [200], [201, 0, 5], [150, 100, 1], [1000], Array.from({ length: 450 }, () => 1)]) {
    const { channel, heard, turns } = listening();
    const message: UpdateMetadataRequestInput = {
      controllerId: 1, controllerEpoch: 7, brokerEpoch: 3,
      topicStates: sizes.map((size, at) => ({ topicName: `t${at}`, topicId: 'bm90LWEtdG9waWMtaWQtMQ', partitionStates: Array.from({ length: size }, (_, partitionIndex) => ({ partitionIndex, leader: 1, isr: [1], replicas: [1, 2] })) })),
      liveBrokers: [{ id: 1, rack: null, endpoints: [] }],
    };
    await channel.send(UpdateMetadataRequest, message);
    const [{ topicStates, controllerEpoch, liveBrokers }] = heard as [UpdateMetadataRequest];
    expect(heard).toHaveLength(1);
    expect([controllerEpoch, liveBrokers.length]).toEqual([7, 1]);
    expect(topicStates.map(({ topicName, partitionStates }) => [topicName, partitionStates.map(({ partitionIndex }) => partitionIndex)])).toEqual(sizes.map((size, at) => [`t${at}`, Array.from({ length: size }, (_, index) => index)]));
    const all = sizes.reduce((sum, size) => sum + Math.max(1, size), 0);
    // One more is between what was heard and the answer.
    expect(turns(), `${sizes.length} topics, ${all} partitions`).toBe(Math.max(1, Math.ceil(all / 200)));
  }
});
