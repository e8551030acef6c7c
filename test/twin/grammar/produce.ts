import type { BatchSpec, Lie } from '../batches.js';
import { APPEND_TIME_BIT } from '../batches.js';
import type { Grammar } from '../grammar.js';
import { FRAMINGS } from '../../support/framings.js';
import { records, ref } from '../symbols.js';
import { nameOf, type ProducerInWorld, type TopicInWorld, type World } from '../world.js';

interface Answer {
  readonly responses: readonly { readonly name: string; readonly partitionResponses: readonly object[] }[];
}

interface PartitionData {
  readonly index: number;
  readonly records: Uint8Array | null;
}

export const produce: Grammar = {
  api: 'Produce',
  weights: { records: 30, reading: 14, producers: 30, configs: 4, offsets: 6 },
  say(world, version) {
    const { chance } = world;
    const topics = chance.some(chance.weighted([[1, 8], [2, 2]]), () => world.liveTopic()).filter(each => each !== undefined);
    const topicData = [...new Set(topics)].map(topic => ({
      name: chance.percent(96) ? nameOf(topic) : world.topicName(),
      partitionData: distinct(world, chance.some(chance.weighted([[1, 7], [2, 2]]), () => partitionData(world, topic, version))),
    }));
    const acks = chance.weighted([[-1, 8], [1, 4], [0, 1], [2, 1]]);
    return {
      body: { transactionalId: chance.percent(98) ? null : 'tx', acks, timeoutMs: chance.pick([0, 1500, 30_000]), topicData },
      unanswered: acks === 0,
      // The second reader reads what was written here.
      faithful: chance.percent(70),
    };
  },
  /** One partition after the other: how they are grouped is nobody's business. */
  within(answer: Answer) {
    return { ...answer, responses: answer.responses.flatMap(({ name, partitionResponses }) => partitionResponses.map(each => ({ name, ...each }))) };
  },
  unordered: { responses: ['name', 'index'] },
};

/** Hardly anybody names a partition twice. */
function distinct(world: World, partitions: readonly PartitionData[]): PartitionData[] {
  return world.chance.percent(3) ? [...partitions] : [...new Map(partitions.map(each => [each.index, each])).values()];
}

function partitionData(world: World, topic: TopicInWorld, version: number): PartitionData {
  const { chance } = world;
  const index = world.partition(topic);
  const good = world.goodBatch();
  const usable: BatchSpec = good.codec === 'zstd' && version < 7 && chance.percent(80) ? { ...good, codec: 'none' } : good;
  const producer = chance.percent(45) && world.producers.length > 0 ? chance.pick(world.producers) : undefined;
  const spec = producer === undefined ? usable : fromProducer(world, usable, producer, topic, index);
  const said = chance.percent(78) ? spec : odd(world, spec);
  if (said === spec) topic.ends[index] = (topic.ends[index] ?? 0) + spec.records.length;
  return { index, records: chance.int(400) > 0 ? records(said) : null };
}

/** Sequences as they follow, most of the time. */
function fromProducer(world: World, spec: BatchSpec, producer: ProducerInWorld, topic: TopicInWorld, partition: number): BatchSpec {
  const { chance } = world;
  const key = `${topic.n}-${partition}`;
  const next = producer.next.get(key) ?? 0;
  const baseSequence = chance.weighted([[next, 12], [Math.max(0, next - spec.records.length), 2], [next + 1, 1], [0, 1], [2147483647, 1], [-1, 1]]);
  const epoch = producer.epoch + chance.weighted([[0, 20], [1, 1], [-1, 1]]);
  if (baseSequence === next) producer.next.set(key, next + spec.records.length);
  return { ...spec, producerId: producer.chosen ?? ref(`producer:${producer.n}`, -1), producerEpoch: epoch, baseSequence };
}

const LIES: readonly (readonly [Lie, readonly number[]])[] = [
  ['batchLength', [-1, 0, 13, 48, 49, 1_000_000]], ['partitionLeaderEpoch', [0, 7]], ['magic', [-1, 0, 1, 3]],
  ['attributes', [0, 5, 6, 7, 16, 32, 48, 64, 128, 4096, -1]], ['lastOffsetDelta', [-1, 0, 1, 100, 2147483647]],
  ['baseTimestamp', [-1, 0, 9_000_000_000_000_000]], ['maxTimestamp', [-1, 0, 1, 9_000_000_000_000_000]],
  ['recordCount', [-1, 0, 1, 100, 2147483647]], ['baseOffset', [1, -1, 100]],
];

/** What no producer should send. */
function odd(world: World, spec: BatchSpec): BatchSpec {
  const { chance } = world;
  const [lie, values] = chance.pick(LIES);
  return chance.weighted<BatchSpec>([
    [{ ...spec, lies: { [lie]: chance.pick(values) } }, 8],
    [spec.codec === 'none' ? { ...spec, codec: 'gzip' } : { ...spec, framing: chance.pick(Object.keys(FRAMINGS[spec.codec])) }, 4],
    [{ ...spec, badCrc: true }, 1],
    [{ ...spec, spoilt: chance.some(chance.between(1, 3), () => chance.int(200)) }, 3],
    [{ ...spec, times: 2 }, 1],
    [{ ...spec, cut: chance.weighted([[1, 2], [chance.between(1, 80), 2]]) }, 1],
    [{ ...spec, tail: chance.between(1, 80) }, 1],
    [{ ...spec, attributes: APPEND_TIME_BIT }, 2],
    [{ ...spec, records: [] }, 1],
    [{ ...spec, records: spec.records.map((record, index) => ({ ...record, offsetDelta: index * chance.pick([1, 2]) + chance.pick([0, 1, -1]) })) }, 2],
    [{ ...spec, records: spec.records.map(record => ({ ...record, timestamp: chance.pick([-1, -2, 0, 2 ** 50, record.timestamp]) })) }, 2],
    [{ ...spec, producerId: chance.pick([-2, -1, 0, 7]), producerEpoch: chance.pick([-2, -1, 0, 32767]), baseSequence: chance.pick([-2, -1, 0, 5]) }, 3],
    [{ ...spec, records: [{ key: 'k', value: 'x'.repeat(chance.pick([99_900, 110_000])), timestamp: world.nextTime() }] }, 1],
  ]);
}
