import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildSuite, SUITE_DIR } from './build-suite.ts'
import { BRIDGES } from './report.ts'
import { ensureRuntimes, RUNTIMES } from './runtimes.ts'
import { type Scene, startScene } from './scene.ts'

let scene: Scene

beforeAll(async () => {
  await ensureRuntimes()
  await buildSuite()
  scene = await startScene(SUITE_DIR)
}, 600_000)

afterAll(() => scene?.close())

describe.each(RUNTIMES)('$name', ({ name, is, jspi, bridges, cases, run }) => {
  test.each(bridges)('bridge %s', async (bridge) => {
    const { suspensions, ...report } = await run(scene, bridge)
    console.log(`${name}, bridge ${bridge}: ${report.cases.length} cases in ${report.runtime}`)
    expect(report).toMatchObject({ runtime: expect.stringMatching(is), jspi })
    const used = BRIDGES.filter((each) => suspensions[each] > 0)
    expect(used, 'what really suspended SQLite').toEqual([bridge])
    expect(report.cases.filter(({ error }) => error !== undefined)).toEqual([])
    expect(report.cases).toHaveLength(cases)
  })
})
