// The two generated modules: all messages, and the table of apis.
//
// One module for all messages, not one each: nothing runs when it is loaded, function bodies are compiled when first
// called, and two hundred small modules cost more to resolve and open (again for every test file) than one large one
// to scan.

import * as codecRuntime from '../codec-runtime.js';
import { decoderName, emitDecoders, stepDecoderName } from './emit-decode.js';
import { emitEncoders, encoderName } from './emit-encode.js';
import { emitTypes } from './emit-types.js';
import { holdsMany, inputName } from './expressions.js';
import type { Api, Message, Range, Schemas } from './model.js';

export function emitMessages(header: string, schemas: Schemas): string {
  const body = schemas.messages.map(message => [emitTypes(message), emitDecoders(message), emitEncoders(message), emitCodec(message)].join('\n')).join('\n\n');
  const helpers = Object.keys(codecRuntime).filter(name => new RegExp(`\\b${name}\\b`).test(body));
  return `${header}
import type { MessageCodec, UnknownTaggedField } from '../codec.js';
import { ${helpers.join(', ')} } from '../codec-runtime.js';
import type { Reader } from '../reader.js';
import type { Writer } from '../writer.js';

${body}
`;
}

function emitCodec(message: Message): string {
  const { name, versions } = message;
  const check = `checkVersion('${name}', ${versions.low}, ${versions.high}, version);`;
  return `export const ${name}: MessageCodec<${name}, ${inputName(message, name)}> = {
  name: '${name}', type: '${message.type}', apiKey: ${message.apiKey}, minVersion: ${versions.low}, maxVersion: ${versions.high}, flexibleFrom: ${message.flexibleFrom},
  decode(reader, version) { ${check} return ${decoderName(message, name)}(reader, version); },
  encode(writer, message, version) { ${check} ${encoderName(message, name)}(writer, message, version); },${message.inSteps && holdsMany(message, name) ? `
  decodeSteps(reader, version) { ${check} return ${stepDecoderName(message, name)}(reader, version); },
  encodeSteps(writer, message, version) { ${check} return steps_${encoderName(message, name)}(writer, message, version); },` : ''}
};`;
}

export function emitApis(header: string, schemas: Schemas): string {
  const served = schemas.apis.filter(api => messageOf(schemas, api, 'Request') !== undefined);
  const rows = served.map(api => {
    const versions = messageOf(schemas, api, 'Request')!.versions;
    const listeners = api.listeners.filter(listener => listener !== 'none').map(listener => `'${listener}'`).join(', ');
    const fields = [
      `key: ${api.key}`, `name: '${api.name}'`, `zkVersions: ${zkVersions(api, versions)}`, `listeners: [${listeners}]`,
      `clusterAction: ${api.flags.includes('clusterAction')}`, `forwardable: ${api.flags.includes('forwardable')}`,
      `minMagic: ${api.flags.includes('minMagic2') ? 2 : 0}`, `request: ${api.name}Request`, `response: ${api.name}Response`,
    ];
    return `  { ${fields.join(', ')} },\n`;
  });
  return `${header}
import type { ApiData } from '../apis.js';
import { ${served.flatMap(api => [`${api.name}Request`, `${api.name}Response`]).join(', ')} } from './messages.js';

export const apiTable: readonly ApiData[] = [
${rows.join('')}];
`;
}

// An unstable newest version is not advertised (ApiVersionsResponse.java, unstable.api.versions.enable=false).
function zkVersions(api: Api, versions: Range): string {
  const high = api.flags.includes('latestVersionUnstable') ? versions.high - 1 : versions.high;
  return api.listeners.includes('zk') && high >= versions.low ? `[${versions.low}, ${high}]` : 'null';
}

function messageOf(schemas: Schemas, api: Api, suffix: string): Message | undefined {
  return schemas.messages.find(message => message.name === api.name + suffix);
}
