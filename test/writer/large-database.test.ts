import { createHash } from 'node:crypto'
import { createReadStream, statSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { open } from '../../entry/open.ts'
import { lockPgno } from '../../ltx/index.ts'
import { openReplica } from '../../storage/node.ts'
import { compactLevel, restore } from '../../writer/index.ts'
import { tempDir } from '../support/temp-dir.ts'
import { workbench } from './workbench.ts'

it('a database over 1 GiB: nothing is ever written for the lock page (facts 1.8), from image to compaction to restore and queries in place', async () => {
  const replica = tempDir()
  const client = await openReplica(pathToFileURL(replica).href)
  const bench = await workbench({ client, setup: 'CREATE TABLE t (v BLOB)' })
  const { app, dir, path } = bench
  app.exec('PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = OFF')
  await bench.replicate()
  // Cross the lock page inside the WAL, a piece at a time: the incremental files grow over it.
  for (let i = 0; i < 11; i++) {
    app.exec('INSERT INTO t VALUES (zeroblob(100000000))')
    await bench.replicate()
  }
  app.exec("INSERT INTO t VALUES ('the end'); UPDATE t SET v = zeroblob(5000) WHERE rowid = 2")
  await bench.replicate()
  const compacted = await compactLevel(client, 1)
  expect(compacted.sources.length).toBeGreaterThan(10)

  const output = join(dir, 'restored.db')
  const { commit, pageSize } = await restore(client, output)
  expect(commit).toBeGreaterThan(lockPgno(pageSize))
  await bench.primary.close()
  app.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
  app.close()
  expect(statSync(output).size).toBe(statSync(path).size)
  expect(await sha256(output)).toBe(await sha256(path))

  // In place: the last rows lie behind the lock page, and the eleventh's chain of overflow pages goes around it.
  for (const bridge of ['jspi', 'asyncify'] as const) {
    const db = await open(pathToFileURL(replica).href, { bridge })
    expect(await db.all('SELECT rowid, length(v) AS n FROM t WHERE rowid IN (1, 2, 11)')).toEqual([
      { rowid: 1, n: 100_000_000 },
      { rowid: 2, n: 5000 },
      { rowid: 11, n: 100_000_000 },
    ])
    expect(await db.get('SELECT v, (SELECT count(*) FROM t) AS n FROM t WHERE rowid = 12')).toEqual({
      v: 'the end',
      n: 12,
    })
    if (bridge === 'jspi') {
      expect(await db.get('SELECT hex(substr(v, 99999991)) AS end FROM t WHERE rowid = 11')).toEqual({
        end: '00'.repeat(10),
      })
    }
    await db.close()
  }
}, 300_000)

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk)
  return hash.digest('hex')
}
