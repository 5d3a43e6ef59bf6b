import { defineConfig } from 'vitest/config'

// Every runtime, one after the other: `npm run test:everywhere`.
export default defineConfig({
  test: {
    include: ['test/everywhere/**/*.test.ts', 'test/explorer/*.test.ts'],
    testTimeout: 400_000, // WebKit and Bun take minutes to compile what Asyncify makes of SQLite, on a busy machine
    hookTimeout: 900_000,
    fileParallelism: false,
    pool: 'forks',
  },
})
