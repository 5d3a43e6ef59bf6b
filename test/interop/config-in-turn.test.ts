import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { litestreamBinary } from './litestream.ts'
import { Program, run } from './process.ts'
import { type Store, startStore } from './stores.ts'

const LITETAP = [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  resolve(import.meta.dirname, '../../cli/main.ts'),
]
/** Named databases, and two that are found in a folder. */
const DATABASES = ['named', 'stored', 'found/one', 'found/two'] as const
const TURNS = 4

const dir = mkdtempSync(join(tmpdir(), 'litetap-in-turn-'))
const config = join(dir, 'litestream.yml')
const pathOf = (name: string) => join(dir, 'data', `${name}.db`)
let litestream: string
let store: Store

beforeAll(async () => {
  litestream = await litestreamBinary('0.5.16')
  store = await startStore('s3', { dir: join(dir, 's3') })
})
afterAll(async () => {
  await store?.stop()
  rmSync(dir, { recursive: true, force: true })
})

/** One file for both, with all forms: a folder, a URL, settings of all and of one, variables, deprecated words. */
function configuration(): string {
  return `
# Used by both programs as it is.
snapshot:
  interval: 1h
  retention: 24h
levels:
  - interval: 2s
  - interval: 10s
l0-retention: 1m
logging: { level: debug, type: text, stderr: true }
sync-interval: 200ms
dbs:
  - path: $DATA/named.db
    monitor-interval: 100ms
    checkpoint-interval: 30s
    replica:
      path: \${REPLICAS}/named
  - path: $DATA/stored.db
    monitor-interval: 100ms
    replicas:
      - url: ${store.url('stored')}
  - dir: $DATA/found
    pattern: "*.db"
    monitor-interval: 100ms
    replica:
      type: file
      path: $REPLICAS/found
`
}

/** Rows that tell who was the replicator when they were written. */
function write(turn: number): void {
  for (const name of DATABASES) {
    const db = new DatabaseSync(pathOf(name), { timeout: 5000 })
    // As in an application that leaves checkpoints to the replicator.
    db.exec('PRAGMA wal_autocheckpoint = 0')
    for (let i = 0; i < 10; i++) db.exec(`INSERT INTO t (turn, v) VALUES (${turn}, hex(randomblob(500)))`)
    db.exec(`UPDATE t SET v = hex(randomblob(500)) WHERE id % 7 = ${turn}`)
    db.close()
  }
}

function rowsOf(path: string): unknown {
  const db = new DatabaseSync(path, { readOnly: true, timeout: 5000 })
  try {
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
    return db.prepare('SELECT * FROM t ORDER BY id').all()
  } finally {
    db.close()
  }
}

test('a configuration file used unchanged by both programs in turn: each goes on where the other ended', async () => {
  const env = { ...store.env, DATA: join(dir, 'data'), REPLICAS: join(dir, 'replicas') }
  mkdirSync(join(dir, 'data/found'), { recursive: true })
  writeFileSync(config, configuration())
  for (const name of DATABASES) {
    const db = new DatabaseSync(pathOf(name))
    db.exec('PRAGMA journal_mode = wal; CREATE TABLE t (id INTEGER PRIMARY KEY, turn INTEGER, v TEXT)')
    db.close()
  }
  // Kept open, so that no last one closing takes the WAL away between the turns.
  const held = DATABASES.map((name) => {
    const db = new DatabaseSync(pathOf(name))
    db.exec('PRAGMA wal_autocheckpoint = 0; SELECT count(*) FROM t')
    return db
  })
  let images = 0
  for (let turn = 0; turn < TURNS; turn++) {
    const program = turn % 2 === 0 ? [litestream] : LITETAP
    const running = new Program([...program, 'replicate', '-config', config], env)
    for (let step = 0; step < 3; step++) {
      write(turn)
      await new Promise((next) => setTimeout(next, 700))
    }
    const { code, output } = await running.end('SIGTERM')
    expect([turn, code, output.slice(-500)]).toEqual([turn, 0, expect.anything()])
    if (program === LITETAP) images += output.match(/writing a full image/g)?.length ?? 0

    for (const [i, name] of ['named', 'stored'].entries()) {
      const copies = []
      for (const reader of [[litestream], LITETAP]) {
        const copy = join(dir, `copy-${turn}-${i}-${copies.length}.db`)
        await run([...reader, 'restore', '-config', config, '-o', copy, pathOf(name)], env)
        copies.push(copy)
      }
      expect(readFileSync(copies[0]!).equals(readFileSync(copies[1]!))).toBe(true)
      expect(rowsOf(copies[0]!)).toEqual(rowsOf(pathOf(name)))
    }
    // What is found in a folder lies below its replica by its relative path, for both.
    for (const name of ['one', 'two']) {
      const copy = join(dir, `copy-${turn}-${name}.db`)
      await run([litestream, 'restore', '-o', copy, `file://${join(dir, 'replicas/found', `${name}.db`)}`], env)
      expect(rowsOf(copy)).toEqual(rowsOf(pathOf(`found/${name}`)))
    }
  }
  for (const db of held) db.close()
  expect(readFileSync(config, 'utf8')).toBe(configuration())
  expect(images).toBe(0) // litetap went on in the WAL where Litestream had ended
}, 180_000)
