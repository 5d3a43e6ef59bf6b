import { defineConfig } from 'vitest/config'
import { editing } from './test/simulation/teeth/plugin.ts'
import { TEETH } from './test/simulation/teeth/teeth.ts'

const only = process.env.LITETAP_TOOTH

// The simulation with each fault put back: `npm run test:teeth`; one of them: `LITETAP_TOOTH='…'`, or a part of its name.
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    projects: TEETH.filter(({ fault }) => only === undefined || fault.includes(only)).map(({ fault, edits }, i) => ({
      plugins: [editing(import.meta.dirname, edits)],
      test: {
        name: `tooth ${i}`,
        include: ['test/simulation/teeth/bites.ts'],
        env: { LITETAP_TOOTH: fault },
        fsModuleCache: false,
      },
    })),
  },
})
