// Settings of brokers that are changed while they run: what an alteration answers, what is told behind it, and what it does.
import { expect, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.js';
import {
  AlterConfigsRequest, DescribeConfigsRequest, IncrementalAlterConfigsRequest, type AlterConfigsResponse, type DescribeConfigsResponse, type IncrementalAlterConfigsResponse,
} from '../../src/protocol/messages.js';
import { encodeConfig, encodeConfigChange } from '../../src/zookeeper/znodes/config.js';
import { batch } from '../support/batches.js';
import { TestBroker, until } from '../support/broker.js';
import type { TestClient } from '../support/client.js';
import { freePort } from '../support/free-port.js';
import { connected } from '../zookeeper/support/kit.js';

const TOPIC = 2;
const BROKER = 4;
const LOGGER = 8;
type Settings = Readonly<Record<string, string | null>>;
type Answer = readonly [code: number, message: string | null];

/** Somebody who runs a broker. */
class Operator {
  readonly #client: TestClient;

  constructor(client: TestClient) {
    this.#client = client;
  }

  /** SET each; null deletes. */
  async alter(resourceType: number, resourceName: string, settings: Settings, { validateOnly = false, version = 1 } = {}): Promise<Answer> {
    const configs = Object.entries(settings).map(([name, value]) => ({ name, configOperation: value === null ? 1 : 0, value }));
    const { responses: [answer] } = await this.#client.ask<IncrementalAlterConfigsResponse>(IncrementalAlterConfigsRequest, { resources: [{ resourceType, resourceName, configs }], validateOnly }, version);
    return [answer!.errorCode, answer!.errorMessage];
  }

  /** The older way: these and no others. */
  async replace(resourceType: number, resourceName: string, settings: Settings, version = 2): Promise<Answer> {
    const configs = Object.entries(settings).map(([name, value]) => ({ name, value }));
    const { responses: [answer] } = await this.#client.ask<AlterConfigsResponse>(AlterConfigsRequest, { resources: [{ resourceType, resourceName, configs }] }, version);
    return [answer!.errorCode, answer!.errorMessage];
  }

  async described(resourceType: number, resourceName: string, key: string): Promise<{ value: string | null; source: number; synonyms: [number, string | null][] } | undefined> {
    const { results: [result] } = await this.#client.ask<DescribeConfigsResponse>(DescribeConfigsRequest, { resources: [{ resourceType, resourceName, configurationKeys: [key] }], includeSynonyms: true }, 4);
    const [config] = result!.configs;
    return config && { value: config.value, source: config.configSource, synonyms: config.synonyms.map(({ source, value }) => [source, value]) };
  }
}

async function story(settings: Record<string, string | number> = {}): Promise<{ broker: TestBroker; client: TestClient; operator: Operator; id: string }> {
  const broker = await TestBroker.start({ settings });
  const client = await broker.client();
  return { broker, client, operator: new Operator(client), id: String(broker.id) };
}

const DONE: Answer = [0, null];

test('what was set is told at once: a broker\'s own before everybody\'s before the file\'s', async () => {
  const { broker, operator, id } = await story({ 'log.retention.ms': '1000' });
  expect(await operator.alter(BROKER, '', { 'log.retention.ms': '2000' })).toEqual(DONE);
  expect(await operator.alter(BROKER, id, { 'log.retention.ms': '3000' })).toEqual(DONE);
  expect(await operator.described(BROKER, id, 'log.retention.ms')).toEqual({ value: '3000', source: 2, synonyms: [[2, '3000'], [3, '2000'], [4, '1000'], [5, '168']] });
  expect(await operator.described(BROKER, '', 'log.retention.ms')).toEqual({ value: '2000', source: 3, synonyms: [[3, '2000']] });
  await broker.restart();
  const again = new Operator(await broker.client());
  expect(await again.described(BROKER, id, 'log.retention.ms')).toMatchObject({ value: '3000', source: 2 });
  expect(await again.alter(BROKER, id, { 'log.retention.ms': null })).toEqual(DONE);
  expect(await again.described(BROKER, id, 'log.retention.ms')).toEqual({ value: '2000', source: 3, synonyms: [[3, '2000'], [4, '1000'], [5, '168']] });
});

test('topics go by it from the next request on, also those that are there, but not where they say so themselves', async () => {
  const { client, operator } = await story();
  await client.createTopic('plain');
  await client.createTopic('own', { configs: { 'max.message.bytes': '1000000' } });
  const large = batch(['x'.repeat(2000)]);
  expect((await client.produce('plain', large)).errorCode).toBe(0);
  expect(await operator.alter(BROKER, '', { 'message.max.bytes': '1000' })).toEqual(DONE);
  expect((await client.produce('plain', large)).errorCode).toBe(ErrorCode.MessageTooLarge);
  expect((await client.produce('own', large)).errorCode).toBe(0);
  expect(await operator.described(TOPIC, 'plain', 'max.message.bytes')).toMatchObject({ value: '1000', source: 3 });
  expect(await operator.alter(BROKER, '', { 'message.max.bytes': null })).toEqual(DONE);
  expect((await client.produce('plain', large)).errorCode).toBe(0);
});

test('the older way takes away what it does not name, and changes topics too', async () => {
  const { client, operator, id } = await story();
  for (const version of [0, 1, 2]) {
    expect(await operator.alter(BROKER, id, { 'background.threads': '11', 'my.own': 'x' })).toEqual(DONE);
    expect(await operator.replace(BROKER, id, { 'log.segment.bytes': '5000' }, version)).toEqual(DONE);
    expect(await operator.described(BROKER, id, 'background.threads')).toMatchObject({ source: 5 });
    expect(await operator.described(BROKER, id, 'my.own')).toBeUndefined();
    expect(await operator.described(BROKER, id, 'log.segment.bytes')).toMatchObject({ value: '5000', source: 2 });
  }
  await client.createTopic('t', { configs: { 'retention.ms': '5' } });
  expect(await operator.replace(TOPIC, 't', { 'flush.messages': '7' })).toEqual(DONE);
  expect(await operator.described(TOPIC, 't', 'flush.messages')).toMatchObject({ value: '7', source: 1 });
  expect(await operator.described(TOPIC, 't', 'retention.ms')).toMatchObject({ source: 5 });
  expect(await operator.replace(TOPIC, 'nobody', {})).toEqual([ErrorCode.UnknownTopicOrPartition, "The topic 'nobody' does not exist."]);
  expect(await operator.replace(TOPIC, '', {})).toEqual([ErrorCode.InvalidRequest, 'Default topic resources are not allowed.']);
  expect(await operator.replace(LOGGER, id, {})).toEqual([ErrorCode.InvalidRequest, 'Unknown resource type 8']);
  expect(await operator.replace(BROKER, id, { 'my.own': null })).toEqual([ErrorCode.InvalidRequest, 'Null value not supported for : my.own']);
});

test('what cannot be set is refused and nothing is changed; nor is it where that was only to be looked into', async () => {
  const { operator, id } = await story({ 'num.io.threads': 2 });
  const refused = async (resource: string, settings: Settings): Promise<string | null> => {
    const [code, message] = await operator.alter(BROKER, resource, settings);
    expect(code).toBe(ErrorCode.InvalidRequest);
    return message;
  };
  expect(await refused(id, { 'broker.id': '9', 'log.retention.ms': '1' })).toBe('Cannot update these configs dynamically: Set(broker.id)');
  expect(await refused('', { 'num.io.threads': '100' })).toMatch(/greater than double the current value 2 for configuration/);
  expect(await refused('12345', {})).toBe(`Unexpected broker id, expected ${id}, but received 12345`);
  expect(await refused('me', {})).toBe('Node id must be an integer, but it is: me');
  expect(await operator.alter(BROKER, id, { 'log.retention.ms': '1' }, { validateOnly: true })).toEqual(DONE);
  expect(await operator.described(BROKER, id, 'log.retention.ms')).toMatchObject({ value: null });
  expect(await operator.alter(BROKER, id, { 'listener.name.plaintext.ssl.key.password': 'hush' })).toEqual([
    ErrorCode.InvalidConfig, `Invalid config value for resource ConfigResource(type=BROKER, name='${id}'): Password encoder secret not configured`,
  ]);
});

test('a broker\'s logger has a level that can be changed', async () => {
  const { operator, id } = await story();
  expect(await operator.described(LOGGER, id, 'root')).toMatchObject({ value: 'INFO', source: 6 });
  expect(await operator.alter(LOGGER, id, { root: 'ERROR' })).toEqual(DONE);
  expect(await operator.described(LOGGER, id, 'root')).toMatchObject({ value: 'ERROR', source: 6 });
  expect(await operator.alter(LOGGER, id, { other: 'ERROR' })).toEqual([ErrorCode.InvalidConfig, 'Logger other does not exist!']);
  expect(await operator.alter(LOGGER, '', { root: 'ERROR' })).toEqual([ErrorCode.InvalidRequest, 'Node id must be an integer, but it is: ']);
});

test('what another broker sets for everybody holds here when its note is read', async () => {
  const port = await freePort();
  const { operator, id } = await story({ 'odradek.embedded.port': port });
  const other = await connected(`127.0.0.1:${port}`);
  await other.create('/config/brokers/<default>', encodeConfig({ 'min.insync.replicas': '2', 'broker.id': '5' }));
  await other.create('/config/changes/config_change_', encodeConfigChange('brokers/<default>'), { mode: 'persistentSequential' });
  await until(async () => (await operator.described(BROKER, id, 'min.insync.replicas'))?.value === '2');
  expect(await operator.described(BROKER, '', 'broker.id')).toBeUndefined();
});
