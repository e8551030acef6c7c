// The README's table of what is served says what the broker says.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { apiByKey, apis } from '../../src/protocol/apis.js';
import { advertisedApis } from '../../src/server/routes.js';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

function versions({ minVersion, maxVersion }: { minVersion: number; maxVersion: number }): string {
  return minVersion === maxVersion ? String(minVersion) : `${minVersion}-${maxVersion}`;
}

test('every api that is advertised stands in the README with its versions, and no other does', () => {
  const [, table = ''] = /\| for \| APIs and versions \|\n([\s\S]*?)\n\n/.exec(readme) ?? [];
  const said = table.split('\n').slice(1).flatMap(line => line.split('|')[2]!.split(',').map(each => each.trim()));
  const served = advertisedApis().map(api => `${apiByKey(api.apiKey)!.name} ${versions(api)}`);
  expect(said.toSorted()).toEqual(served.toSorted());
});

test('and how many of Kafka\'s they are', () => {
  const kafkas = apis.filter(({ zkVersions }) => zkVersions !== null).length;
  expect(readme).toContain(`${advertisedApis().length} of the ${kafkas} APIs that a Kafka 3.9 broker in ZooKeeper mode advertises`);
});
