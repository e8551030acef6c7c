// Which header goes before which message, who serves what, and the error codes: our tables beside Kafka's.

import { afterAll, describe, expect, it } from 'vitest';
import { apiByKey, apis, requestHeaderVersion, responseHeaderVersion } from '../../../src/protocol/apis.js';
import { ErrorCode, errorName, isRetriable } from '../../../src/protocol/errors.js';
import { decodeRequestHeader, encodeRequestHeader, encodeResponseHeader } from '../../../src/protocol/headers.js';
import { Reader } from '../../../src/protocol/reader.js';
import { Writer } from '../../../src/protocol/writer.js';
import { Kafka } from './kafka.js';

interface KafkaApi {
  key: number; name: string; low: number; high: number; stableHigh: number; clusterAction: boolean; forwardable: boolean;
  minMagic: number; zk: boolean; request: string; response: string; headers: [number, number, number][];
}
interface Tables { apis: KafkaApi[]; errors: { code: number; name: string; retriable: boolean }[] }

const kafka = new Kafka();
afterAll(() => kafka.close());
const tables = (await kafka.apis()) as Tables;

describe('the apis are those of Kafka', () => {
  it('has the same keys', () => {
    expect(apis.map(api => api.key)).toEqual(tables.apis.map(api => api.key).sort((left, right) => left - right));
  });

  it.each(tables.apis.map(api => [api.name, api] as const))('%s', (_, theirs) => {
    const ours = apiByKey(theirs.key)!;
    expect([ours.request.name, ours.response.name].map(name => `${name}Data`)).toEqual([theirs.request, theirs.response]);
    expect([ours.request.minVersion, ours.request.maxVersion]).toEqual([theirs.low, theirs.high]);
    expect([ours.response.minVersion, ours.response.maxVersion]).toEqual([theirs.low, theirs.high]);
    expect([ours.clusterAction, ours.forwardable, ours.minMagic]).toEqual([theirs.clusterAction, theirs.forwardable, theirs.minMagic]);
    expect(ours.zkVersions).toEqual(theirs.zk && theirs.stableHigh >= theirs.low ? [theirs.low, theirs.stableHigh] : null);
    for (const [version, request, response] of theirs.headers) {
      expect([version, requestHeaderVersion(ours, version), responseHeaderVersion(ours, version)]).toEqual([version, request, response]);
    }
  });
});

describe('headers have the bytes of Kafka', () => {
  it.each(tables.apis.map(api => [api.name, api] as const))('%s', async (_, theirs) => {
    const api = apiByKey(theirs.key)!;
    for (const [version, requestHeader, responseHeader] of theirs.headers) {
      for (const clientId of ['odradek', '', null]) {
        const writer = new Writer();
        encodeRequestHeader(writer, api, version, 77, clientId);
        const request = await kafka.decode('RequestHeader', requestHeader, writer.finish());
        const named = requestHeader === 0 ? {} : { clientId };
        expect(request.json).toEqual({ requestApiKey: theirs.key, requestApiVersion: version, correlationId: 77, ...named });
        expect([request.leftover, request.bytes]).toEqual([0, writer.finish()]);
        expect(decodeRequestHeader(new Reader(request.bytes))).toMatchObject({ apiVersion: version, correlationId: 77, clientId: requestHeader === 0 ? '' : clientId ?? '' });
      }
      const writer = new Writer();
      encodeResponseHeader(writer, api, version, -5);
      const response = await kafka.decode('ResponseHeader', responseHeader, writer.finish());
      expect([response.json, response.leftover, response.bytes]).toEqual([{ correlationId: -5 }, 0, writer.finish()]);
    }
  });
});

describe('error codes', () => {
  it('are those of Kafka, by code and name', () => {
    const ours = Object.values(ErrorCode).map(code => ({ code, name: errorName(code), retriable: isRetriable(code) }));
    const byCode = (left: { code: number }, right: { code: number }): number => left.code - right.code;
    expect(ours.sort(byCode)).toEqual(tables.errors.sort(byCode));
  });
});
