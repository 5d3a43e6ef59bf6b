import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished } from 'vitest'
import { open } from '../../entry/open.ts'
import type { ReplicaClient } from '../../storage/index.ts'
import { Replicator, restore } from '../../writer/index.ts'
import { tempDir } from '../support/temp-dir.ts'
import { truth } from '../writer/workbench.ts'

/** What every reader of the database that `replicateSome` makes is asked. */
export const QUERIES = [
  'SELECT count(*) AS n, sum(length(v)) AS bytes FROM t',
  'SELECT id, hex(substr(v, 1, 8)) AS head, hex(substr(v, -8)) AS tail FROM t ORDER BY id',
  'PRAGMA integrity_check',
]

export interface Replicated {
  readonly dir: string
  /** The database, which is no longer written. */
  readonly path: string
  /** Its answers to `QUERIES`. */
  readonly answers: unknown
}

/** Larger than what is uploaded by one request. */
const LARGE = 12_000_000

/** Replicate a new database with some transactions, one of them of `largest` bytes. */
export async function replicateSome(client: ReplicaClient, largest = LARGE): Promise<Replicated> {
  const dir = tempDir()
  const path = join(dir, 'app.db')
  const app = new DatabaseSync(path)
  onTestFinished(() => {
    if (app.isOpen) app.close()
  })
  app.exec('PRAGMA journal_mode = wal; CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)')
  const insert = app.prepare('INSERT INTO t (v) VALUES (randomblob(?))')
  const replicator = new Replicator({ dbPath: path, client })
  await replicator.start()
  for (const bytes of [10, 5000, largest, 700]) {
    insert.run(bytes)
    await replicator.flush()
  }
  app.exec('DELETE FROM t WHERE id = 2')
  await replicator.close()
  return { dir, path, answers: plain(QUERIES.map((sql) => app.prepare(sql).all())) }
}

/** Replicate, restore, and query in place. */
export async function roundTrip(client: ReplicaClient): Promise<Replicated> {
  const replicated = await replicateSome(client)
  const output = join(replicated.dir, 'restored.db')
  await restore(client, output, { integrityCheck: 'full' })
  expect(readFileSync(output).equals(truth(replicated.path)), 'restored as it is').toBe(true)
  const db = await open(client)
  const answers: unknown[] = []
  for (const sql of QUERIES) answers.push(await db.all(sql))
  await db.close()
  expect(plain(answers)).toEqual(replicated.answers)
  return replicated
}

/** Rows without their prototypes. */
export function plain(rows: unknown): unknown {
  return JSON.parse(JSON.stringify(rows))
}
