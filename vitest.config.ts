import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import SummaryReporter from './tools/vitest-summary.ts'

export default defineConfig({
  // Examples import the package by its name: here that is the source.
  resolve: { alias: { litetap: join(import.meta.dirname, 'index.ts') } },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/backends/**', 'test/interop/**', 'test/everywhere/**', 'test/explorer/*.test.ts'],
    globalSetup: ['test/servers/global-setup.ts'],
    pool: 'forks',
    reporters: ['default', new SummaryReporter()],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
