import { expect, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.js';
import { ApiVersionsRequest, type ApiVersionsResponse } from '../../src/protocol/messages.js';
import { TestBroker } from '../support/broker.js';

test('every version of ApiVersions tells the same apis, and only such as are served', async () => {
  const client = await (await TestBroker.start()).client();
  const told: ApiVersionsResponse['apiKeys'][] = [];
  for (let version = 0; version <= 4; version++) {
    const { errorCode, apiKeys } = await client.apiVersions(version);
    expect(errorCode).toBe(0);
    told.push(apiKeys);
  }
  expect(new Set(told.map(keys => JSON.stringify(keys))).size).toBe(1);
  const range = (key: number): [number, number] | undefined => {
    const found = told[0]!.find(({ apiKey }) => apiKey === key);
    return found && [found.minVersion, found.maxVersion];
  };
  expect(range(0)).toEqual([0, 11]);
  expect(range(1)).toEqual([0, 17]);
  expect(range(18)).toEqual([0, 4]);
  expect(range(55), 'a KRaft api').toBeUndefined();
});

test('a version that nobody knows is answered in version 0, with the range to choose from, and the connection stays', async () => {
  const client = await (await TestBroker.start()).client();
  for (const version of [5, 99, 32767, -1]) {
    const { bytes: oldest, answer } = client.prepare<ApiVersionsResponse>(ApiVersionsRequest, {}, 0);
    // A header has tagged fields, here none, since version 3; below 0 it has the oldest form.
    const bytes = version < 0 ? oldest : Buffer.concat([oldest, Buffer.alloc(1)]);
    bytes.writeInt32BE(bytes.length - 4, 0);
    bytes.writeInt16BE(version, 6);
    client.raw(bytes);
    const { errorCode, apiKeys } = await answer;
    expect(errorCode).toBe(ErrorCode.UnsupportedVersion);
    expect(apiKeys).toEqual([expect.objectContaining({ apiKey: 18, minVersion: 0, maxVersion: 4 })]);
  }
  expect((await client.apiVersions()).errorCode).toBe(0);
});

test('clients name their software in letters, digits, dots and dashes', async () => {
  const client = await (await TestBroker.start()).client();
  const name = async (clientSoftwareName: string, clientSoftwareVersion: string, version = 3): Promise<number> =>
    (await client.ask<ApiVersionsResponse>(ApiVersionsRequest, { clientSoftwareName, clientSoftwareVersion }, version)).errorCode;
  expect(await name('apache-kafka-java', '3.9.1')).toBe(0);
  for (const bad of ['', '-x', 'x-', 'a b', 'ä']) {
    expect(await name(bad, '1'), bad).toBe(ErrorCode.InvalidRequest);
    expect(await name('x', bad, 4), bad).toBe(ErrorCode.InvalidRequest);
  }
});
