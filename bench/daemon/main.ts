// What many databases in one process cost: litetap's daemon beside Litestream. See README.md.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { litestreamBinary } from '../../test/interop/litestream.ts'
import { Program } from '../../test/interop/process.ts'
import { type Store, type StoreKind, startStore } from '../../test/interop/stores.ts'
import { cpuSeconds, peakResidentBytes, resetPeakResidentBytes, residentBytes } from '../support/proc.ts'
import { percentile } from '../support/statistics.ts'
import { digits, markdownTable } from '../support/table.ts'
import { Committing } from './committing.ts'
import { DaemonProbe } from './probe.ts'

const { values } = parseArgs({
  options: {
    counts: { type: 'string', default: '1,100,1000,5000' },
    busy: { type: 'string', default: '200' },
    stores: { type: 'string', default: 'file,s3' },
    programs: { type: 'string', default: 'litestream,litetap' },
    settle: { type: 'string', default: '120' },
    seconds: { type: 'string', default: '60' },
  },
})
const list = (text: string) => text.split(',').filter((item) => item !== '')
const settleMs = Number(values.settle) * 1000
const seconds = Number(values.seconds)
const root = mkdtempSync(join(tmpdir(), 'litetap-bench-daemon-'))
process.once('exit', () => rmSync(root, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const idleRows: string[][] = []
const busyRows: string[][] = []
for (const kind of list(values.stores) as StoreKind[]) {
  for (const count of list(values.counts).map(Number)) {
    for (const name of list(values.programs)) await onStage(kind, count, name, idle)
  }
  for (const count of list(values.busy).map(Number)) {
    for (const name of list(values.programs)) await onStage(kind, count, name, busy)
  }
}
const idleHeader = [
  'idle',
  'RSS (MB)',
  'peak (MB)',
  'CPU (s/min)',
  'loop delay p99 (ms)',
  'max (ms)',
  'requests/min',
  'all synced after (s)',
]
const busyHeader = ['busy', 'lag p50 (ms)', 'lag p99 (ms)', 'missing', 'RSS (MB)', 'CPU (s/min)', 'loop delay p99 (ms)']
if (idleRows.length > 0) console.log(`\n${markdownTable(idleHeader, idleRows)}`)
if (busyRows.length > 0) console.log(`\n${markdownTable(busyHeader, busyRows)}`)

interface Stage {
  readonly label: string
  readonly count: number
  readonly dir: string
  readonly replicaDir: string
  readonly store: Store
  readonly program: Program
  readonly probe: DaemonProbe | undefined
}

async function onStage(kind: StoreKind, count: number, name: string, measure: (stage: Stage) => Promise<void>) {
  const run = mkdtempSync(join(root, 'run-'))
  const dir = join(run, 'db')
  const replicaDir = join(run, 'store')
  mkdirSync(dir)
  for (let i = 0; i < count; i++) makeDatabase(join(dir, `${i}.db`))
  const store = await startStore(kind, { dir: replicaDir, memoryBytes: 8 * 2 ** 30 })
  const url = store.url('all')
  const command = name === 'litetap' ? litetap(dir, url) : await litestream(run, dir, url)
  const env = {
    ...store.env,
    AWS_ACCESS_KEY_ID: store.env.LITESTREAM_ACCESS_KEY_ID ?? '',
    AWS_SECRET_ACCESS_KEY: store.env.LITESTREAM_SECRET_ACCESS_KEY ?? '',
  }
  const program = new Program(command, env)
  const probe = name === 'litetap' ? new DaemonProbe(program) : undefined
  try {
    await measure({
      label: `${count} databases, ${kind}, ${name}`,
      count,
      dir,
      replicaDir: join(replicaDir, 'all'),
      store,
      program,
      probe,
    })
  } finally {
    await program.end('SIGKILL').catch(() => {})
    await store.stop()
    rmSync(run, { recursive: true, force: true })
  }
}

function makeDatabase(path: string): void {
  const db = new DatabaseSync(path)
  db.exec('PRAGMA journal_mode = wal; PRAGMA synchronous = off; CREATE TABLE t (id INTEGER PRIMARY KEY, v)')
  db.exec('INSERT INTO t (v) VALUES (randomblob(1000))')
  db.close()
}

function litetap(dir: string, url: string): string[] {
  return [process.execPath, '--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'litetap.ts'), dir, url]
}

async function litestream(run: string, dir: string, url: string): Promise<string[]> {
  const config = join(run, 'litestream.yml')
  const at = new URL(url)
  const endpoint = at.searchParams.get('endpoint')
  const replica =
    at.protocol === 'file:'
      ? { type: 'file', path: at.pathname }
      : {
          type: 's3',
          bucket: at.host,
          path: at.pathname.slice(1),
          endpoint,
          'force-path-style': true,
          region: 'us-east-1',
        }
  writeFileSync(config, JSON.stringify({ dbs: [{ dir, pattern: '*.db', replica }] })) // JSON is YAML
  return [await litestreamBinary('0.5.16'), 'replicate', '-config', config]
}

/** Wait until each database has an L0 file in the store. @returns seconds */
async function untilSynced({ count, store, dir, program }: Stage, startedMs: number): Promise<number> {
  const waiting = new Set(readdirSync(dir).filter((name) => name.endsWith('.db')))
  for (;;) {
    for (const name of waiting) {
      if ((await store.list(`all/${name}`, 0)).length === 0) break
      waiting.delete(name)
    }
    if (waiting.size === 0) return (performance.now() - startedMs) / 1000
    if (!program.running) throw new Error(`${program.label} ended:\n${program.output}`)
    if (performance.now() - startedMs > 900_000) throw new Error(`${waiting.size} of ${count} not synced`)
    await sleep(200)
  }
}

async function idle(stage: Stage): Promise<void> {
  const { label, program, probe } = stage
  const syncedAfter = await untilSynced(stage, performance.now())
  await sleep(settleMs)
  const { pid } = program
  const peak = peakResidentBytes(pid)!
  await probe?.read()
  resetPeakResidentBytes(pid)
  const before = cpuSeconds(pid)!
  await sleep(seconds * 1000)
  const cpu = ((cpuSeconds(pid)! - before) * 60) / seconds
  const seen = await probe?.read()
  const row = [
    label,
    mb(residentBytes(pid)!),
    mb(peak),
    digits(cpu),
    ...delays(seen),
    seen ? digits((seen.requests * 60) / seconds) : '-',
    digits(syncedAfter),
  ]
  idleRows.push(row)
  console.log(row.join(' | '))
}

function delays(seen: { p99Ms: number; maxMs: number } | undefined): string[] {
  return seen ? [digits(seen.p99Ms), digits(seen.maxMs)] : ['-', '-']
}

/** Each database gets a commit per second; how long until its file is in the store. On a file store it is seen by polling. */
async function busy(stage: Stage): Promise<void> {
  const { label, program, probe, dir, store, count } = stage
  await untilSynced(stage, performance.now())
  await sleep(5000)
  const { pid } = program
  await probe?.read()
  const before = cpuSeconds(pid)!
  const writers = Array.from({ length: count }, (_, i) => new Committing(join(dir, `${i}.db`), `all/${i}.db`, store))
  const startedMs = performance.now()
  const endMs = startedMs + seconds * 1000
  await Promise.all(writers.map((writer, i) => writer.run(startedMs + (i * 1000) / count, endMs)))
  const cpu = ((cpuSeconds(pid)! - before) * 60) / seconds
  const seen = await probe?.read()
  const lags = writers.flatMap((writer) => writer.lagsMs)
  const missing = writers.reduce((sum, writer) => sum + writer.missing, 0)
  const row = [
    label,
    digits(percentile(lags, 0.5)),
    digits(percentile(lags, 0.99)),
    String(missing),
    mb(residentBytes(pid)!),
    digits(cpu),
    delays(seen)[0]!,
  ]
  busyRows.push(row)
  console.log(row.join(' | '))
  for (const writer of writers) writer.close()
}

function mb(bytes: number): string {
  return digits(bytes / 1e6)
}
