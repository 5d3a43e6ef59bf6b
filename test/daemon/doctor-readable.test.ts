import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import {
  checkDatabaseReadable,
  checkReplicaReadable,
  judgeReadable,
  READER_MODULES,
} from '../../daemon/doctor/check-readable.ts'
import { diagnose, type Finding } from '../../daemon/doctor/index.ts'
import { memoryReplica } from '../../storage/index.ts'
import { Replicator } from '../../writer/index.ts'
import { altered } from '../support/altered-client.ts'
import { tempDir } from '../support/temp-dir.ts'
import { source } from '../vfs/scene.ts'

/** A database and its replica. */
async function replicated(sql: string) {
  const path = join(tempDir(), 'app.db')
  const db = new DatabaseSync(path)
  onTestFinished(() => {
    if (db.isOpen) db.close()
  })
  db.exec(`${sql}; PRAGMA journal_mode = wal; CREATE TABLE written (a); INSERT INTO written VALUES (1)`)
  const client = memoryReplica()
  await new Replicator({ dbPath: path, client }).syncOnce()
  return { path, client, db }
}

const LACKING = [
  ["PRAGMA encoding = 'UTF-16le'; CREATE TABLE t (a)", /cannot open it: its encoding is UTF-16le/],
  ["PRAGMA encoding = 'UTF-16be'; CREATE TABLE t (a)", /cannot open it: its encoding is UTF-16be/],
  ['CREATE VIRTUAL TABLE t USING fts4 (a)', /cannot query these tables of it: t \(module fts4: FTS3\/FTS4\)/],
  ['CREATE VIRTUAL TABLE "using x" USING FTS3 (a)', /"using x" \(module fts3: FTS3\/FTS4\)/],
  ['CREATE VIRTUAL TABLE IF NOT EXISTS [a b]USING"geopoly"(a)', /\[a b\] \(module geopoly: Geopoly\)/],
] as const

test.each(LACKING)(
  'what the reader cannot read is said by name, of the database and of its replica: %s',
  async (sql, says) => {
    const { path, client, db } = await replicated(sql)
    const warning = {
      status: 'warning',
      message: expect.stringMatching(says),
      hint: expect.stringMatching(/restored all the same/),
    }
    expect(await checkDatabaseReadable(path)).toMatchObject({ check: 'reader', ...warning })
    expect(await checkReplicaReadable(client)).toMatchObject({ check: 'replica reader', ...warning })
    db.close()
    expect(existsSync(`${path}-wal`)).toBe(false)
    expect(await checkDatabaseReadable(path)).toMatchObject(warning)
    expect(readdirSync(join(path, '..')).filter((name) => /-wal|-shm/.test(name))).toEqual([])
  },
)

test('what it can read is well', async () => {
  const tables = READER_MODULES.filter((name) => name !== 'dbstat' && name !== 'fts5vocab').map((name) =>
    name.startsWith('rtree')
      ? `CREATE VIRTUAL TABLE of_${name} USING ${name} (id, a, b)`
      : `CREATE VIRTUAL TABLE of_${name} USING ${name} (a)`,
  )
  const { path, client } = await replicated(
    `${tables.join(';')}; CREATE VIRTUAL TABLE words USING fts5vocab (of_fts5, row); CREATE VIRTUAL TABLE sizes USING dbstat`,
  )
  let closed = 0
  const counted = altered(client, { close: async () => void closed++ })
  const found: Record<string, Finding> = {}
  for await (const finding of diagnose({ dbPath: path, client: counted }, { write: false, now: Date.now })) {
    found[finding.check] = finding
  }
  expect(found.reader).toMatchObject({ status: 'ok' })
  expect(found['replica reader']).toMatchObject({ status: 'ok' })
  expect(closed).toBe(0)
})

test('the modules that the reader has are those', async () => {
  const db = await (await source('CREATE TABLE t (a)')).open('jspi')
  const has = (await db.all('SELECT name FROM pragma_module_list')).map(({ name }) => String(name))
  // These show the engine itself, and are in no schema.
  const eponymous = (name: string): boolean => /^(bytecode|tables_used|sqlite_|json_|pragma_)/.test(name)
  expect(has.filter((name) => !eponymous(name)).sort()).toEqual([...READER_MODULES].sort())
})

test('a schema that cannot be understood is none of these', () => {
  expect(judgeReadable('reader', { encoding: 0, virtualTables: ['CREATE VIRTUAL TABLE'] }).status).toBe('ok')
  expect(judgeReadable('reader', { encoding: 1, virtualTables: ['CREATE VIRTUAL TABLE t USING mine'] })).toMatchObject({
    message: expect.stringMatching(/t \(module mine\)$/),
  })
})
