import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { changed, filesOf, plants } from './plants.js';

test.each(plants)('what %s finds its place in the product', plant => {
  for (const file of filesOf(plant)) {
    const source = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
    expect(changed(plant, file, source)).not.toBe(source);
  }
});
