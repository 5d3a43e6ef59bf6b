import { defineConfig } from 'vitest/config'

// Backends beside file and S3, on real servers, one after the other: `npm run test:backends`.
export default defineConfig({
  test: {
    include: ['test/backends/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 900_000,
    fileParallelism: false,
    pool: 'forks',
  },
})
