// Programs nobody here wrote against a running broker. One file at a time: each starts its own broker, and two cores are
// busy enough with one. `npm run test:interop -- topics` runs the files whose name holds "topics".

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/interop/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    // Generous: a limit ends what hangs. A JVM on a machine whose disk is busy elsewhere takes a minute to start.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    teardownTimeout: 60_000,
  },
});
