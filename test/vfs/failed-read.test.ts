import { describe, expect, test } from 'vitest'
import { Encoder } from '../../ltx/index.ts'
import { isReplicaError } from '../../replica/index.ts'
import { memoryReplica, type ReplicaClient } from '../../storage/index.ts'
import type { Database, VfsError } from '../../vfs/index.ts'
import { ltxHeader } from '../support/ltx-header.ts'
import { BRIDGES, type Source, source } from './scene.ts'

const SCHEMA = `PRAGMA page_size = 1024; CREATE TABLE u (x INTEGER); INSERT INTO u VALUES (1);
  CREATE TABLE t (id INTEGER PRIMARY KEY, gen INTEGER, v TEXT); CREATE INDEX by_gen ON t (gen);
  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
    INSERT INTO t SELECT i, 1, hex(randomblob(300)) FROM n`
const SUM = 'SELECT sum(gen) AS s, count(*) AS n, max(v) > 1 AS v FROM t'

const name = (level: number, min: bigint, max: bigint) => ({ level, minTXID: min, maxTXID: max })

/** Copy a file of level 0 to another level, and delete what it covers: what compaction and retention do. */
async function moveUp(client: ReplicaClient, level: number, txid: bigint): Promise<void> {
  const file = name(0, txid, txid)
  const stream = await client.open(file)
  const chunks = await Array.fromAsync(stream!)
  await client.write(name(level, txid, txid), Buffer.concat(chunks))
  await client.delete([file])
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'no error'
  } catch (error) {
    return isReplicaError(error) ? error.code : String(error)
  }
}

async function expectNewest(db: Database, from: Source): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await db.refresh()
    expect(await db.all(SUM)).toEqual(from.expected(SUM))
    expect(await db.all('SELECT * FROM u')).toEqual(from.expected('SELECT * FROM u'))
    expect(await db.all('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
  }
}

test('what fails while the database is opened is of no statement', async () => {
  const from = await source(SCHEMA)
  const file = name(0, 1n, 1n)
  const encoder = new Encoder(ltxHeader({ pageSize: 512, commit: 2, minTXID: 1n, maxTXID: 1n, timestamp: 1 }))
  for (const pgno of [1, 2]) encoder.encodePage(pgno, new Uint8Array(512).fill(pgno))
  encoder.finish()
  await from.client.delete([file])
  await from.client.write(file, encoder.take())
  const db = await from.open('jspi')
  const error = await db.all('SELECT * FROM u').catch((failure: unknown) => failure)
  expect(error).toMatchObject({ code: 'VFS_CORRUPT', message: expect.stringContaining('SQLITE_NOTADB') })
  expect((error as VfsError).at).not.toHaveProperty('sql')
  await expect(db.all('SELECT * FROM u')).rejects.toMatchObject({ at: { sqliteCode: 26 } })
})

describe.each(BRIDGES)('a page that is gone, %s', (bridge) => {
  const opened = async (from: Source, memoryBytes?: number) =>
    await from.open(bridge, {
      client: memoryReplica({ bucket: from.client.bucket }),
      poolSize: 1,
      ...(memoryBytes && { memoryBytes }),
    })

  test('in a transaction: the connection answers the next queries from the state they are of', async () => {
    const from = await source(SCHEMA)
    await moveUp(from.client, 9, 1n)
    from.native.exec('UPDATE t SET gen = 2 WHERE id BETWEEN 100 AND 300')
    await from.upload()
    const db = await opened(from)
    await db.get('SELECT sum(gen) FROM t WHERE id < 60')
    const codes = await db.transaction(async (tx) => {
      await tx.get('SELECT gen FROM t WHERE id = 1')
      from.native.exec('UPDATE t SET gen = 4 WHERE id <= 90; UPDATE u SET x = 4')
      await from.upload()
      await moveUp(from.client, 1, 2n)
      const moved = await codeOf(tx.get('SELECT gen FROM t WHERE id = 280'))
      return [moved, await codeOf(tx.get('SELECT x FROM u'))]
    })
    expect(codes).toEqual(['no error', 'REPLICA_SNAPSHOT_GONE'])
    await expectNewest(db, from)
  })

  test('an iterator beside the query that failed fails as that one did, or goes on', async () => {
    const from = await source(`PRAGMA page_size = 1024; CREATE TABLE wide (k TEXT PRIMARY KEY, p BLOB) WITHOUT ROWID;
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
        INSERT INTO wide SELECT printf('k%03d', i), randomblob(4500) FROM n;
      CREATE TABLE other (x); INSERT INTO other SELECT hex(randomblob(200)) FROM wide`)
    const db = await opened(from, 4096)
    const pinned = await db.at({ txid: 1n })
    const codes = await pinned.transaction(async (tx) => {
      const rows = tx.each('SELECT k, length(p) AS n FROM wide ORDER BY k')
      const first = await rows.next()
      from.native.exec("UPDATE wide SET p = zeroblob(10); UPDATE other SET x = 'y'")
      await from.upload()
      await moveUp(from.client, 9, 1n)
      const failed = await codeOf(tx.get('SELECT count(x) FROM other'))
      return [first.done, failed, await codeOf(rows.next())]
    })
    expect(codes).toEqual([false, 'REPLICA_SNAPSHOT_GONE', 'REPLICA_SNAPSHOT_GONE'])
    await expect(db.get('SELECT count(*) AS n FROM wide')).resolves.toEqual({ n: 40 })
  })

  test.each([
    ['while the schema is loaded', false, 'SELECT * FROM u', 'UPDATE t SET gen = 3 WHERE id < 90; ANALYZE'],
    ['in the middle of a scan', true, SUM, 'UPDATE t SET gen = 3 WHERE id > 300'],
    [
      'in a subquery',
      true,
      'SELECT (SELECT max(gen + 0) FROM t WHERE v > u.x) FROM u',
      'UPDATE t SET gen = 3 WHERE id > 9',
    ],
  ])('%s: every time the same error, and later states are read right', async (_when, used, sql, update) => {
    const from = await source(`${SCHEMA}; ANALYZE`)
    const db = await opened(from, used ? 8192 : 1024)
    if (used) await db.all('SELECT count(*) FROM u')
    const pinned = await db.at({ txid: 1n })
    from.native.exec(update)
    await from.upload()
    await moveUp(from.client, 9, 1n)
    const first = await codeOf(pinned.all(sql))
    for (let i = 0; i < 2; i++) expect(await codeOf(pinned.all(sql))).toBe(first)
    expect(first).toBe('REPLICA_SNAPSHOT_GONE')
    await expectNewest(db, from)
    from.native.exec("CREATE TABLE w (x); INSERT INTO w VALUES ('w'); DELETE FROM t WHERE id % 2 = 0")
    await from.upload()
    await expectNewest(db, from)
    expect(await db.all('SELECT * FROM w')).toEqual([{ x: 'w' }])
  })
})
