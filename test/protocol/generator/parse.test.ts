// The schema format: what it says, and how a mistake in it is told.

import { describe, expect, it } from 'vitest';
import type { Schemas } from '../../../src/protocol/generator/model.js';
import { emitMessages } from '../../../src/protocol/generator/emit-modules.js';
import { parseSchema } from '../../../src/protocol/generator/parse.js';

function parse(text: string): Schemas {
  const schemas: Schemas = { apis: [], messages: [] };
  parseSchema('some.schema', text, schemas);
  return schemas;
}

describe('a schema', () => {
  it('says which versions a field has, may be null in, and is tagged in', () => {
    const { apis, messages } = parse(`
api 3 Metadata
  listeners zk broker
  flags forwardable
request versions 1-9 flexible 6+
  name string?7+ 2+ = null   # nullable only later
  leader Leader 6+ tag 2
    id int32 = -1 ignorable
`);
    expect(apis).toEqual([{ key: 3, name: 'Metadata', listeners: ['zk', 'broker'], flags: ['forwardable'] }]);
    expect(messages[0]).toMatchObject({ name: 'MetadataRequest', apiKey: 3, versions: { low: 1, high: 9 }, flexibleFrom: 6 });
    const [name, leader] = messages[0]!.structs.get('MetadataRequest')!.fields;
    expect(name).toMatchObject({ versions: { low: 2, high: 9 }, nullable: { low: 7, high: 9 }, default: 'null' });
    expect(leader).toMatchObject({ tag: { number: 2, versions: { low: 6, high: 9 } } });
    expect(messages[0]!.structs.get('Leader')!.fields[0]).toMatchObject({ name: 'id', default: '-1', ignorable: true });
  });

  it('of Kafka 4.x has messages whose versions are gone, renewed mid-message, or whose structs are shared', () => {
    const { messages } = parse(`
api 4 LeaderAndIsr
  listeners none
request versions none
response versions none
api 88 StreamsGroupHeartbeat
  listeners broker
request versions 0-1 flexible 0+
  topology Topology? = null
    epoch int32
    subtopologies [Subtopology]?
      id string
      sources [Node]
  timeoutMs int64 1+ = 9223372036854775807
  struct Node
    name string
    children [int16]
`);
    expect(messages.map(message => message.name)).toEqual(['StreamsGroupHeartbeatRequest']);
    const source = emitMessages('// header', { apis: [], messages });
    expect(source).toContain('export const StreamsGroupHeartbeatRequest');
    expect(source).toContain('StreamsGroupHeartbeatRequest_Node');
  });

  it.each([
    ['a field of an unknown type', 'data A versions 0\n  x int128', 'some.schema:2: unknown type int128'],
    ['a struct that is nowhere', 'data A versions 0\n  x [B]', 'some.schema:1: A: no struct B'],
    ['two structs of one name', 'data A versions 0\n  x [B]\n    y int8\n  struct B\n    z int8', 'some.schema:4: two structs are called B'],
    ['a range beyond the message', 'data A versions 0-3\n  x int8 4+', 'some.schema:2: versions 4+ are not within 0-3'],
    ['a default of another type', 'data A versions 0\n  x int8 = "a"', 'some.schema:2: "a" is no default for x'],
    ['a null default where none may be', 'data A versions 0\n  x string = null', 'some.schema:2: null is no default for x'],
    ['a tag in a version that is not flexible', 'data A versions 0-3 flexible 2+\n  x int8 tag 0', 'some.schema:1: A: x is tagged in a version that is not flexible'],
    ['a word that means nothing', 'data A versions 0\n  x int8 ignoreable', 'some.schema:2: unknown word ignoreable'],
    ['a request outside of an api', 'request versions 0', 'some.schema:1: a request stands in an api'],
    ['fields below a scalar', 'data A versions 0\n  x int8\n    y int8', 'some.schema:2: x has fields but is no struct'],
  ])('%s is told with its line', (_, schema, complaint) => {
    expect(() => parse(schema)).toThrow(complaint);
  });
});
