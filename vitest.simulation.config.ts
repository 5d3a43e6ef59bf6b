import { defineConfig } from 'vitest/config'

const SHARDS = 2
const seeds = { LITETAP_SEEDS: process.env.LITETAP_SEEDS ?? '20000' }

// Many seeds, in as many processes as a small machine has cores: `npm run test:simulation`.
export default defineConfig({
  test: {
    pool: 'forks',
    testTimeout: 7_200_000,
    projects: Array.from({ length: SHARDS }, (_, i) => ({
      test: {
        name: `shard ${i}`,
        include: ['test/simulation/*.test.ts'],
        env: { ...seeds, LITETAP_SHARD: `${i}/${SHARDS}` },
      },
    })),
  },
})
