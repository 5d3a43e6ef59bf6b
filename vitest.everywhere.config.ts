import { defineConfig } from 'vitest/config'

// Every runtime, one after the other: `npm run test:everywhere`.
export default defineConfig({
  test: {
    include: ['test/everywhere/**/*.test.ts', 'test/explorer/*.test.ts'],
    testTimeout: 400_000, // WebKit takes minutes on a busy machine: it runs what Asyncify makes of SQLite slowly
    hookTimeout: 900_000,
    fileParallelism: false,
    pool: 'forks',
  },
})
