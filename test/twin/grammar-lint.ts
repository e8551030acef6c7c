// Part of `npm run lint`: every api that is served has a grammar, and no grammar is of an api that is not.

import { apiByKey } from '../../src/protocol/apis.js';
import { advertisedApis } from '../../src/server/routes.js';
import { grammars } from './grammars.js';

const served = advertisedApis().map(({ apiKey }) => apiByKey(apiKey)!.name);
const spoken = new Set(grammars.map(({ api }) => api));
const mute = served.filter(api => !spoken.has(api));
const idle = [...spoken].filter(api => !served.includes(api));
for (const api of mute) console.error(`${api} is served and has no grammar: write test/twin/grammar/, and name it in test/twin/grammars.ts`);
for (const api of idle) console.error(`test/twin has a grammar for ${api}, which is not served`);
process.exitCode = mute.length + idle.length > 0 ? 1 : 0;
