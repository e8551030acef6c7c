// The quirks of headers. That every version has Kafka's header is shown by test/interop/protocol.

import { describe, expect, it } from 'vitest';
import { apiByKey, apis } from '../../src/protocol/apis.js';
import { decodeRequestHeader, decodeResponseHeader, encodeRequestHeader, encodeResponseHeader } from '../../src/protocol/headers.js';
import { ProtocolError } from '../../src/protocol/protocol-error.js';
import { Reader } from '../../src/protocol/reader.js';
import { Writer } from '../../src/protocol/writer.js';

const API_VERSIONS = apiByKey(18)!;
const CONTROLLED_SHUTDOWN = apiByKey(7)!;
const PRODUCE = apiByKey(0)!;

const written = (action: (writer: Writer) => void): Buffer => {
  const writer = new Writer();
  action(writer);
  return writer.finish();
};

describe('request headers', () => {
  it('keep a plain client id where all else is compact', () => {
    const header = written(w => encodeRequestHeader(w, PRODUCE, 9, 7, 'me'));
    expect(header.toString('hex')).toBe('0000' + '0009' + '00000007' + '0002' + '6d65' + '00');
  });

  it('have no client id before ControlledShutdown 0', () => {
    const header = written(w => encodeRequestHeader(w, CONTROLLED_SHUTDOWN, 0, 7, 'me'));
    expect(header.toString('hex')).toBe('0007' + '0000' + '00000007');
    expect(decodeRequestHeader(new Reader(header)).clientId).toBe('');
  });

  it('read a null client id as an empty one', () => {
    const header = written(w => encodeRequestHeader(w, PRODUCE, 8, 7, null));
    expect(decodeRequestHeader(new Reader(header))).toMatchObject({ api: PRODUCE, apiVersion: 8, correlationId: 7, clientId: '', versionKnown: true });
  });

  it('leave the reader at the body, behind tagged fields that nobody knows', () => {
    const header = Buffer.from('0000' + '0009' + '00000007' + 'ffff' + '01' + '0502' + 'aabb' + 'c0de', 'hex');
    const reader = new Reader(header);
    decodeRequestHeader(reader);
    expect(reader.readUint16()).toBe(0xc0de);
  });

  it('of a version that nobody knows still give the correlation id, so that ApiVersions can be answered', () => {
    const header = Buffer.from('0012' + '0063' + '00000007' + 'ffff' + '00', 'hex');
    expect(decodeRequestHeader(new Reader(header))).toMatchObject({ api: API_VERSIONS, apiVersion: 99, correlationId: 7, versionKnown: false });
  });

  it('of an api that nobody knows are refused', () => {
    for (const key of [-1, 88, 999]) expect(() => decodeRequestHeader(new Reader(written(w => { w.writeInt16(key); w.writeRaw(Buffer.alloc(20)); })))).toThrow(ProtocolError);
  });
});

describe('response headers', () => {
  it('are flexible with their message, but never before ApiVersions', () => {
    expect(written(w => encodeResponseHeader(w, PRODUCE, 9, 7)).toString('hex')).toBe('0000000700');
    expect(written(w => encodeResponseHeader(w, PRODUCE, 8, 7)).toString('hex')).toBe('00000007');
    expect(written(w => encodeResponseHeader(w, API_VERSIONS, 4, 7)).toString('hex')).toBe('00000007');
    expect(decodeResponseHeader(new Reader(Buffer.from('0000000700', 'hex')), PRODUCE, 9)).toEqual({ correlationId: 7 });
  });
});

describe('the apis', () => {
  it('of a ZooKeeper-mode broker are sixty-two', () => {
    expect(apis.filter(api => api.zkVersions !== null)).toHaveLength(62);
    expect(apis.map(api => api.key)).toEqual(apis.map(api => api.key).sort((left, right) => left - right));
  });
});
