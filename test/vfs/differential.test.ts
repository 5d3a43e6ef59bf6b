import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type OpenOptions, open } from '../../entry/open.ts'
import { isReplicaError } from '../../replica/index.ts'
import { openReplica } from '../../storage/node.ts'
import type { Database } from '../../vfs/index.ts'
import { restore } from '../../writer/index.ts'
import { newBucket, sharedCeph } from '../servers/shared-ceph.ts'
import { tempDir } from '../support/temp-dir.ts'
import { BRIDGES } from './scene.ts'

/** `LITETAP_DIFFERENTIAL_SECONDS=120 npx vitest run test/vfs/differential.test.ts` for longer. */
const SECONDS = Number(process.env.LITETAP_DIFFERENTIAL_SECONDS ?? 8)
const SEED = 20261125
const TOTAL = 500 * 1000
/** So many different states are read, however long that takes. */
const LEAST_STATES = SECONDS

function child(script: string, ...args: string[]): ChildProcess {
  const flags = ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, script)]
  const started = spawn(process.execPath, [...flags, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void started.kill('SIGKILL'))
  return started
}

function begun(process: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout!.on('data', (chunk) => String(chunk).includes('started') && resolve())
    process.once('exit', (code) => reject(new Error(`It ended with ${code} before it had started`)))
  })
}

/** Open it as soon as the writer's first file is there. */
async function opened(url: string, options: OpenOptions): Promise<Database> {
  for (;;) {
    try {
      return await open(url, options)
    } catch (error) {
      if (!isReplicaError(error, 'REPLICA_EMPTY')) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

interface Place {
  readonly url: string
  readonly options: OpenOptions
  readonly pageSize: number
}

interface Seen {
  queries: number
  states: Set<bigint>
  gone: number
}

/** Read all the time, on a busy machine longer than that; each transaction must see one state, whole. */
async function watch(db: Database, until: number, seen: Seen): Promise<void> {
  while (Date.now() < until || seen.states.size < LEAST_STATES) {
    try {
      await db.transaction(async (tx) => {
        const before = await tx.get('SELECT litestream_txid() AS txid, sum(balance) AS total FROM account')
        expect(before?.total).toBe(TOTAL)
        expect(await tx.all('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
        const after = await tx.get('SELECT litestream_txid() AS txid, sum(balance) AS total FROM account')
        expect(after).toEqual(before)
        seen.states.add(BigInt(`0x${before?.txid}`))
      })
      seen.queries++
    } catch (error) {
      // Retention here is very short; a transaction that it overtook is told so.
      if (!isReplicaError(error, 'REPLICA_SNAPSHOT_GONE')) throw error
      seen.gone++
    }
  }
}

/** States that can be restored are the same, page for page. */
async function compare({ url, options, pageSize }: Place, db: Database, dir: string): Promise<number> {
  const client = await openReplica(url, options)
  const files = await Array.fromAsync(client.list(0))
  let compared = 0
  for (const { maxTXID } of files.slice(-8)) {
    const output = join(dir, `restored-${compared}.db`)
    try {
      await restore(client, output, { txid: maxTXID })
    } catch (error) {
      // A file that no plan ends with: what leads to it has been compacted beyond it. Both say so.
      expect(error).toMatchObject({ code: 'WRITER_TX_NOT_AVAILABLE' })
      await expect(db.at({ txid: maxTXID })).rejects.toMatchObject({ code: 'REPLICA_TX_NOT_AVAILABLE' })
      continue
    }
    const native = new DatabaseSync(output, { readOnly: true })
    const at = await db.at({ txid: maxTXID })
    for (const sql of ['SELECT * FROM account', 'SELECT id, note FROM entry', 'SELECT name, sql FROM sqlite_schema']) {
      expect(await at.all(sql), `TXID ${maxTXID}`).toEqual(
        native
          .prepare(sql)
          .all()
          .map((row) => ({ ...row })),
      )
    }
    native.close()
    expect(readFileSync(output).length).toBe(Number((await at.get('PRAGMA page_count'))?.page_count) * pageSize)
    compared++
  }
  await client.close()
  return compared
}

async function run(place: Place, env: Record<string, string>): Promise<void> {
  const { url, options, pageSize } = place
  const dir = tempDir()
  const path = join(dir, 'app.db')
  const setup = new DatabaseSync(path)
  setup.exec(`PRAGMA page_size = ${pageSize}; PRAGMA auto_vacuum = incremental; PRAGMA journal_mode = wal;
    CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER);
    CREATE TABLE entry (id INTEGER PRIMARY KEY, note TEXT); CREATE INDEX by_note ON entry (note);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO account SELECT i, 1000 FROM n;`)
  setup.close()
  Object.assign(process.env, env)
  const writer = child('../crash/busy-writer.ts', path, url)
  await begun(writer)
  await begun(child('workload-child.ts', path, String(SEED)))
  const seen = new Map<string, Seen>()
  const until = Date.now() + SECONDS * 1000
  const databases = await Promise.all(
    BRIDGES.map((bridge) => opened(url, { ...options, bridge, checkIntervalMs: 20, listIntervalMs: 500 })),
  )
  await Promise.all(
    databases.map(async (db, i) => {
      const counts: Seen = { queries: 0, states: new Set(), gone: 0 }
      seen.set(BRIDGES[i]!, counts)
      await watch(db, until, counts)
    }),
  )
  writer.kill('SIGTERM')
  await new Promise((resolve) => writer.once('exit', resolve))
  for (const db of databases) {
    await db.refresh()
    expect(await compare(place, db, tempDir())).toBeGreaterThan(0)
    await db.close()
  }
  console.log(
    url.slice(0, 5),
    [...seen].map(([bridge, s]) => `${bridge}: ${s.queries} checks of ${s.states.size} states, ${s.gone} overtaken`),
  )
}

describe('readers beside a busy writer with fast compaction and retention, VACUUM and all', () => {
  test(`file, seed ${SEED}`, async () => {
    await run({ url: pathToFileURL(join(tempDir(), 'replica')).href, options: {}, pageSize: 1024 }, {})
  }, 600_000)

  test(`s3, seed ${SEED}`, async () => {
    const { endpoint, region, accessKeyId, secretAccessKey } = sharedCeph()
    const query = `endpoint=${encodeURIComponent(endpoint)}&region=${region}&forcePathStyle=true`
    const url = `s3://${await newBucket()}/app?${query}`
    const options = { s3: { credentials: { accessKeyId, secretAccessKey } } }
    // integrity_check follows each overflow chain, a request for each; in pages of this size there are none.
    const pageSize = 4096
    const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
    await run({ url, options, pageSize }, env)
  }, 600_000)
})
