// Programs nobody here wrote against a running broker. One file at a time: each starts its own broker, and two cores are
// busy enough with one. `npm run test:interop -- topics` runs the files whose name holds "topics".

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/interop/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
  },
});
