import { defineConfig } from 'vitest/config'

// Every runtime, one after the other: `npm run test:everywhere`.
export default defineConfig({
  test: {
    include: ['test/everywhere/**/*.test.ts', 'test/explorer/*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 900_000,
    fileParallelism: false,
    pool: 'forks',
  },
})
