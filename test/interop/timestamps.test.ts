import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LtxSummary, summaries } from './inspect.ts'
import { named, pairings } from './programs.ts'
import { replicatorNamed } from './replicator.ts'
import { Scene } from './scene.ts'
import { STORE_KINDS } from './stores.ts'
import { restoreByAll, type Subject } from './verify.ts'
import { untilReplicated } from './wait.ts'
import type { Workload } from './workload.ts'

const SETTINGS = { monitorInterval: '100ms', syncInterval: '100ms', levels: ['2s', '10m'] }
const WORKLOAD: Workload = { seed: 6 }

describe.each(STORE_KINDS)('facts 2.2: timestamps on %s', (kind) => {
  let scene: Scene
  beforeAll(async () => {
    scene = await Scene.start(kind)
  })
  afterAll(() => scene?.close())

  test.each(pairings())('written by $writer, restored to by $readers', async ({ writer, readers }) => {
    const primary = scene.primary(writer, WORKLOAD)
    const running = scene.replicate(await replicatorNamed(writer), scene.job(primary, writer, SETTINGS))
    await primary.run(1)
    await untilReplicated(scene.store, writer, running, 1n)
    await primary.run(25, 200)
    await running.stop()

    const files = (await Promise.all([0, 1, 9].map((level) => summaries(scene.store, writer, level)))).flat()
    for (const file of files) expect(await keptTimestamp(scene, writer, file), file.name).toBe(file.timestamp)
    const times = [...new Set(files.map(({ timestamp }) => timestamp))].toSorted((a, b) => a - b)
    expect(times.length).toBeGreaterThan(8)
    const subject: Subject = { scene, replica: writer, readers: await named(readers), workload: WORKLOAD }
    for (const timestamp of probes(times)) {
      const out = await restoreByAll(subject, { timestamp })
      if (out !== undefined) rmSync(out)
    }
  })
})

/**
 * Long before everything; on a file's time and a millisecond around it, where comparisons are strict (facts 6.2); and
 * between two. Only where Litestream does not refuse the time itself: it compares with the store's times, and on S3
 * those of the first files are later than the files' own (facts 6.1).
 */
function probes(times: readonly number[]): readonly string[] {
  const inside = times.slice(2)
  const between = inside.slice(1).map((time, i) => Math.floor((time + inside[i]!) / 2))
  const around = [inside[0]!, inside[3]!].flatMap((time) => [time - 1, time, time + 1])
  return [times[0]! - 60_000, ...around, ...between, times.at(-1)!].map((ms) => new Date(ms).toISOString())
}

/** The time the store keeps beside the file: S3 metadata in Go's RFC3339Nano, or the file's own. */
async function keptTimestamp(scene: Scene, replica: string, file: LtxSummary): Promise<number> {
  const { store } = scene
  if (store.kind === 'file') {
    const path = join(fileURLToPath(store.url(replica)), 'ltx', String(file.level), file.name)
    // Whole milliseconds, rounded down: a mtime just below the file's time would count as before it.
    return Number(statSync(path, { bigint: true }).mtimeMs)
  }
  const text = await store.timestamp(replica, file)
  expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,2}[1-9])?Z$/)
  return Date.parse(text!)
}
