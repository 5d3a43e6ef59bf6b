import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { DaemonMetrics } from '../../daemon/metrics/index.ts'
import { type ParsedMetrics, parseMetrics } from '../daemon/support/parse-metrics.ts'
import { daemonScene, newDatabase } from '../daemon/support/scene.ts'
import { litestreamBinary } from './litestream.ts'
import { Program } from './process.ts'

let litestream: string
let dir: string
beforeAll(async () => {
  litestream = await litestreamBinary('0.5.16')
  dir = mkdtempSync(join(tmpdir(), 'litetap-interop-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** A port that was free a moment ago: Litestream's `addr` must name one. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/** Litestream's metrics, once it has replicated a database and checked the retention of level 0. */
async function theirs(): Promise<{ metrics: ParsedMetrics; path: string }> {
  const { path, url, app } = newDatabase(dir, 'theirs')
  app.exec("INSERT INTO t (text) VALUES ('a')")
  const port = await freePort()
  const config = join(dir, 'litestream.yml')
  writeFileSync(
    config,
    `addr: "127.0.0.1:${port}"
levels: [{interval: 1s}]
l0-retention: 1s
l0-retention-check-interval: 1s
dbs: [{path: ${path}, checkpoint-interval: 1s, replica: {url: "${url}"}}]
`,
  )
  const daemon = new Program([litestream, 'replicate', '-config', config])
  onTestFinished(async () => void (await daemon.end('SIGTERM')))
  for (const end = Date.now() + 60_000; ; await sleep(200)) {
    app.exec("INSERT INTO t (text) VALUES ('b')")
    const text = await fetch(`http://127.0.0.1:${port}/metrics`).then(
      (reply) => reply.text(),
      () => '',
    )
    const metrics = parseMetrics(text)
    const complete = ['litestream_l0_retention_files_total', 'litestream_checkpoint_count']
    if (complete.every((name) => metrics.samples.some((sample) => sample.name === name))) return { metrics, path }
    if (!daemon.running || Date.now() > end) throw new Error(`Litestream has no such metrics:\n${daemon.output}`)
  }
}

async function ours(): Promise<{ metrics: ParsedMetrics; path: string }> {
  const { control, database } = await daemonScene()
  const { path, url, app } = database('ours')
  await control.register(path, { type: 'file', path: new URL(url).pathname })
  app.exec("INSERT INTO t (text) VALUES ('a')")
  await control.sync(path, { wait: true })
  const { figures } = control.report(path)!
  figures!.checkpoints.PASSIVE.count = 1
  figures!.l0 = { eligible: 1, notCompacted: 1, tooRecent: 1 }
  return { metrics: parseMetrics(await new DaemonMetrics(control).text()), path }
}

/** Name, type and labels of each metric of Litestream's own, with the labels' values but for the checkpoint's mode. */
function shapes({ metrics, path }: { metrics: ParsedMetrics; path: string }): string[] {
  const lines = metrics.samples
    .filter(({ name }) => name.startsWith('litestream_'))
    .map(({ name, labels }) => {
      const db = labels.db === path ? 'path' : labels.db === basename(path) ? 'name' : labels.db
      const shown = { ...labels, ...(db && { db }), ...(labels.mode && { mode: 'a mode' }) }
      return `${metrics.types.get(name)} ${name} ${JSON.stringify(Object.entries(shown).sort())}`
    })
  return [...new Set(lines)].sort()
}

test('every metric that Litestream has of a database is there under the same name, of the same type, with the same labels', async () => {
  const [expected, actual] = [shapes(await theirs()), shapes(await ours())]
  expect(expected.length).toBeGreaterThan(10)
  expect(actual).toEqual(expect.arrayContaining(expected))
})
