// What every client family is put through, each in a file of its own.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Broker } from './broker.js';
import { asks, Member, type Client } from './clients.js';
import { createTopic, describeGroup } from './commands.js';
import { consumed, contents, produced, startTime, type Workload } from './workload.js';

export function describeClient(client: Client): void {
  let broker: Broker;
  beforeAll(async () => { broker = await Broker.start({ properties: { 'group.min.session.timeout.ms': 1_000 } }); });
  afterAll(() => broker.destroy());

  describe(client.name, () => {
    test('100,000 records over 4 partitions in every codec, read back byte for byte and in order', async () => {
      const workload: Workload = { topic: 'everything', partitions: 4, runs: client.codecs.map(codec => ({ codec, count: 100_000 / client.codecs.length })) };
      await createTopic(broker, workload.topic, workload.partitions, { 'segment.bytes': 1_048_576 });
      await produced(client, broker, workload);
      expect(await consumed(client, broker, workload)).toEqual(contents(workload));
    });

    test.each(client.codecs)('%s alone', async codec => {
      const workload: Workload = { topic: `alone-${codec}`, partitions: 3, runs: [{ codec, count: 3_000 }] };
      await createTopic(broker, workload.topic, workload.partitions);
      await produced(client, broker, workload);
      expect(await consumed(client, broker, workload)).toEqual(contents(workload));
    });

    test('starts reading at a point in time', async () => {
      const workload: Workload = { topic: 'timed', partitions: 3, runs: [{ codec: 'none', count: 6_000 }, { codec: 'zstd', count: 6_000 }] };
      await createTopic(broker, workload.topic, workload.partitions, { 'segment.bytes': 262_144 });
      await produced(client, broker, workload);
      for (const after of [0, 3_001, 9_999]) {
        const answer = await asks(client, broker, { do: 'seek', topic: workload.topic, partitions: 3, time: startTime + after });
        expect(answer).toEqual({ found: Object.fromEntries([0, 1, 2].map(partition => {
          const i = after + ((partition - after % 3) + 3) % 3;   // The first record of this partition that is not before the time.
          return [partition, { offset: Math.floor(i / 3), timestamp: startTime + i, key: `key-${i}` }];
        })) });
      }
    });

    test('a group shares its partitions with a second member, takes them back, and goes on later where it stopped', async () => {
      const topic = 'shared';
      await createTopic(broker, topic, 4);
      let made = 0;
      const produce = async (count: number): Promise<void> => {
        await produced(client, broker, { topic, partitions: 4, runs: [{ codec: 'snappy', count }] }, made);
        made += count;
      };
      const all = (): string[] => [0, 1, 2, 3].flatMap(partition => Array.from({ length: made / 4 }, (_, offset) => `${partition}@${offset}`)).toSorted();

      const first = new Member(client, broker, topic, 'sharers');
      await first.until('all partitions', ({ holds }) => holds.length === 4);
      await produce(400);
      await first.until('400 records', ({ read }) => read.length >= 400);

      const second = new Member(client, broker, topic, 'sharers');
      await second.until('half of the partitions', ({ holds }) => holds.length === 2);
      await first.until('half of the partitions', ({ holds }) => holds.length === 2);
      expect([...first.holds, ...second.holds].toSorted()).toEqual([0, 1, 2, 3]);
      await produce(400);
      await first.until('its share', ({ read }) => read.length >= 600);
      await second.until('its share', ({ read }) => read.length >= 200);

      await second.leave();
      await first.until('all partitions again', ({ holds }) => holds.length === 4);
      await produce(400);
      await first.until('everything', ({ read }) => read.length >= 1_000);
      await first.leave();
      expect([...first.read, ...second.read].toSorted()).toEqual(all());
      expect((await describeGroup(broker, 'sharers')).map(({ current, lag }) => ({ current, lag }))).toEqual(Array(4).fill({ current: 300, lag: 0 }));

      await produce(40);
      const later = new Member(client, broker, topic, 'sharers');
      await later.until('what came while nobody was there', ({ read }) => read.length >= 40);
      await later.leave();
      expect([...first.read, ...second.read, ...later.read].toSorted()).toEqual(all());
    });
  });
}
