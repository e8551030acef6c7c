// What differs on purpose in the apis of topics, settings and the cluster.

import { topicName } from '../../src/base/topic-name.js';
import { ownDefaults } from '../../src/config/own-defaults.js';
import { isConfigResource } from '../../src/server/config-resources.js';
import type { Difference } from './compare.js';
import type { Allowed } from './differences.js';

const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';
const OWN_DEFAULTS = ownDefaults(false);

export const adminDifferences: readonly Allowed[] = [
  {
    id: 'alter-list-of-no-key',
    reason: 'an exception of Kafka\'s where something is appended to a key that does not exist',
    matches: each => of(each, 'IncrementalAlterConfigs') && codes(each, 40, -1) && message(each).startsWith('Unknown config name: '),
  },
  {
    id: 'alter-name',
    reason: 'the words for an illegal topic name say what is wrong with it, where ZooKeeper\'s speak of a path',
    matches: each => of(each, 'IncrementalAlterConfigs') && codes(each, 40, 40) && each.path.endsWith('.errorMessage') && message(each).includes(': Topic name is invalid: '),
  },
  {
    id: 'alter-operation',
    reason: 'an exception of Kafka\'s where an operation does not exist',
    matches: each => of(each, 'IncrementalAlterConfigs') && codes(each, 42, -1) && message(each).startsWith('Unknown operations type '),
  },
  {
    id: 'alter-twice',
    reason: 'an exception of Kafka\'s, and no answer ever, where AlterConfigs names a resource twice, or two of types that do not exist',
    matches: ({ step, path, answers }) => step?.api === 'AlterConfigs' && (path === 'kind' || path === 'answer')
      && (answers.kafka as { kind?: unknown } | undefined)?.kind === 'silence' && namesTwice(step.body as AskedResources),
  },
  {
    id: 'create-beside-the-sequence',
    reason: 'an exception of Kafka\'s where partition indexes have the right sum and are others all the same',
    ends: true,
    matches: each => of(each, 'CreateTopics') && row(each)?.['errorCode'] === 39 && kafkaRow(each)?.['errorCode'] !== 39 && asked(each).some(isBesideTheSequence),
  },
  {
    id: 'create-no-replicas',
    reason: 'Kafka makes a topic that nobody can lead',
    ends: true,
    // Kafka waits for its leader as long as it was told to, so that no answer at all is one of its answers.
    matches: ({ step, path, answers }) => step?.api === 'CreateTopics' && (path === 'answer' || path === 'kind' || path.startsWith('answer.topics'))
      && asked({ step }).some(({ assignments = [] }) => assignments.some(({ brokerIds }) => brokerIds.length === 0))
      && (rowsAt(answers.ours, 'topics') ?? []).some(({ errorCode }) => errorCode === 39),
  },
  {
    id: 'deleted-and-told-again',
    reason: 'Kafka\'s new controller tells brokers once more of a topic that is deleted but for a replica that is away',
    matches: ({ at, path, ours, kafka }) => typeof at === 'string' && at.startsWith('exchanged ')
      && (path.endsWith('.errorCode') ? ours === 3 && kafka === 6 : path.endsWith('.topicId') && ours === ZERO_ID),
  },
  {
    id: 'describe-documentation',
    reason: 'Kafka\'s sentences are Kafka\'s',
    matches: ({ step, path, ours }) => step?.api === 'DescribeConfigs' && path.endsWith('.documentation') && ours === null,
  },
  {
    id: 'describe-loggers',
    reason: 'there is one log, and no logger for each class',
    matches: each => of(each, 'DescribeConfigs') && row(each)?.['resourceType'] === 8 && each.path.includes('.configs'),
  },
  {
    id: 'invalid-value-first',
    reason: 'of several settings of a broker with invalid values Kafka tells the one that comes first in a hash map',
    matches: each => each.path.endsWith('.errorMessage') && row(each)?.['resourceType'] === 4 && [each.ours, each.kafka].every(text => String(text).startsWith('Invalid value ')),
  },
  {
    id: 'metadata-neither',
    reason: 'an exception of Kafka\'s where a topic has neither name nor id',
    matches: each => of(each, 'Metadata') && codes(each, 42, -1),
  },
  {
    id: 'own-defaults',
    reason: 'defaults of the broker that are others here (docs/configuration.md)',
    matches: each => of(each, 'DescribeConfigs') && row(each)?.['resourceType'] === 4 && OWN_DEFAULTS.has(settingAt(each) ?? ''),
  },
  {
    id: 'partitions-of-no-path',
    reason: 'an exception of Kafka\'s where a name is no path to ZooKeeper, for all topics of the request',
    matches: each => of(each, 'CreatePartitions') && kafkaRow(each)?.['errorCode'] === -1
      && rowsAt(each.answers.ours, 'results')!.some(({ name, errorCode }) => topicName(String(name)) === undefined && errorCode === 3),
  },
  {
    id: 'transactions',
    reason: 'transactions are not there yet',
    ends: true,
    matches: ({ step, path, ours }) => step?.api === 'InitProducerId' && path === 'answer.errorCode' && ours === 35 && (step.body as { transactionalId?: string | null }).transactionalId !== null,
  },
  {
    id: 'unknown-name-first',
    reason: 'of several unknown settings Kafka tells the one that comes first in a hash map',
    matches: each => each.path.endsWith('.errorMessage') && [each.ours, each.kafka].every(text => String(text).startsWith('Unknown topic config name: ')),
  },
];

interface AskedResources {
  readonly resources: readonly { readonly resourceType: number; readonly resourceName: string }[];
}

function namesTwice({ resources }: AskedResources): boolean {
  const keys = resources.map(({ resourceType, resourceName }) => `${isConfigResource(resourceType) ? resourceType : 'unknown'} ${resourceName}`);
  return new Set(keys).size < keys.length;
}

interface AskedTopic {
  readonly assignments?: readonly { readonly partitionIndex: number; readonly brokerIds: readonly number[] }[];
}

function asked({ step }: Pick<Difference, 'step'>): readonly AskedTopic[] {
  const { topics = [] } = (step?.body ?? {}) as { topics?: readonly AskedTopic[] };
  return topics;
}

function isBesideTheSequence({ assignments = [] }: AskedTopic): boolean {
  const indexes = new Set(assignments.map(({ partitionIndex }) => partitionIndex));
  const sum = [...indexes].reduce((before, index) => before + Math.max(0, index), 0);
  return sum === (indexes.size * (indexes.size - 1)) / 2 && [...indexes].some(index => index < 0 || index >= indexes.size);
}

/** In a row of an answer of this api. */
function of(difference: Difference, api: string): boolean {
  return difference.step?.api === api && row(difference) !== undefined;
}

function codes(difference: Difference, ours: number, kafka: number): boolean {
  return row(difference)?.['errorCode'] === ours && kafkaRow(difference)?.['errorCode'] === kafka;
}

function message(difference: Difference): string {
  return String(row(difference)?.['errorMessage']);
}

function row({ path, answers }: Difference): Row | undefined {
  return rowAt(answers.ours, path);
}

function kafkaRow({ path, answers }: Difference): Row | undefined {
  return rowAt(answers.kafka, path);
}

type Row = Readonly<Record<string, unknown>>;

/** What an answer tells of the one thing, of many that were asked, where a path leads. */
function rowAt(told: unknown, path: string): Row | undefined {
  const [, list, index] = /^answer\.(\w+)\[(\d+)\]/.exec(path) ?? [];
  return list === undefined ? undefined : rowsAt(told, list)?.[Number(index)];
}

function rowsAt(told: unknown, list: string): readonly Row[] | undefined {
  return (told as { answer?: Readonly<Record<string, readonly Row[] | undefined>> }).answer?.[list];
}

/** The name of the setting that a path leads to. */
function settingAt(difference: Difference): string | undefined {
  const [, index] = /\.configs\[(\d+)\]/.exec(difference.path) ?? [];
  return (row(difference)?.['configs'] as readonly { readonly name: string }[] | undefined)?.[Number(index)]?.name;
}
