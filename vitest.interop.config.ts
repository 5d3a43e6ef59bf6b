import { defineConfig } from 'vitest/config'

// Real replicators, real stores, real time: one file after the other.
export default defineConfig({
  test: {
    include: ['test/interop/**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 900_000,
    fileParallelism: false,
    pool: 'forks',
  },
})
