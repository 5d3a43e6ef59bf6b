import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { open } from '../../entry/open.ts'
import type { ReplicaClient } from '../../storage/index.ts'
import { openReplicaSettings } from '../../storage/node.ts'
import { compactLevel, Replicator, restore } from '../../writer/index.ts'
import { tempDir } from '../support/temp-dir.ts'
import { BACKENDS, type BackendStore } from './backend-stores.ts'
import { fileHash } from './content.ts'
import { litestreamBinary } from './litestream.ts'
import { run } from './process.ts'

const QUERY = 'SELECT id, length(v) AS n, hex(substr(v, 1, 8)) AS head, hex(substr(v, -8)) AS tail FROM t ORDER BY id'

describe.each(Object.keys(BACKENDS))('Litestream 0.5.16 and litetap on %s', (kind) => {
  let store: BackendStore
  beforeAll(async () => {
    store = await BACKENDS[kind]!()
  })
  afterAll(() => store?.stop())

  async function client(replica: string): Promise<ReplicaClient> {
    const opened = await openReplicaSettings(store.settings(replica))
    onTestFinished(() => opened.close())
    return opened
  }

  /** A database, and Litestream's configuration for it. */
  async function scene(replica: string) {
    await store.prepare(replica)
    const dir = tempDir()
    const path = join(dir, 'app.db')
    const app = new DatabaseSync(path)
    onTestFinished(() => app.close())
    app.exec('PRAGMA journal_mode = wal; CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)')
    const insert = app.prepare('INSERT INTO t (v) VALUES (randomblob(?))')
    const config = join(dir, 'litestream.yml')
    const lines = { path, replica: store.config(replica) }
    writeFileSync(config, `dbs: ${JSON.stringify([lines])}\n`) // JSON is YAML
    const litestream = await litestreamBinary('0.5.16')
    return {
      path,
      app,
      rows: () =>
        app
          .prepare(QUERY)
          .all()
          .map((row) => ({ ...row })),
      write: (sizes: readonly number[]) => {
        for (const size of sizes) insert.run(size)
      },
      replicateByLitestream: () => run([litestream, 'replicate', '-once', '-config', config], {}),
      restoreByLitestream: async (name: string) => {
        const out = join(dir, name)
        await run([litestream, 'restore', '-config', config, '-o', out, path], {})
        return out
      },
      restoreByUs: async (name: string) => {
        const out = join(dir, name)
        await restore(await client(replica), out, { integrityCheck: 'full' })
        return out
      },
    }
  }

  function rowsIn(path: string): unknown {
    const db = new DatabaseSync(path, { readOnly: true })
    try {
      return db
        .prepare(QUERY)
        .all()
        .map((row) => ({ ...row }))
    } finally {
      db.close()
    }
  }

  async function queryInPlace(replica: string): Promise<unknown> {
    const db = await open(await openReplicaSettings(store.settings(replica)))
    try {
      return (await db.all(QUERY)).map((row) => ({ ...row }))
    } finally {
      await db.close()
    }
  }

  test('Litestream restores what we wrote; so do we, and a query in place sees it', async () => {
    const { path, write, rows, restoreByLitestream, restoreByUs } = await scene('ours')
    write([100, 5000, 300_000])
    const replicator = new Replicator({ dbPath: path, client: await client('ours') })
    await replicator.start()
    onTestFinished(() => replicator.close().catch(() => {}))
    for (let round = 0; round < 5; round++) {
      write([round * 1000, 200_000])
      await replicator.flush()
    }
    await compactLevel(await client('ours'), 1)
    write([7])
    await replicator.flush()
    await replicator.close()
    const theirs = await restoreByLitestream('theirs.db')
    expect(fileHash(theirs)).toBe(fileHash(await restoreByUs('ours.db')))
    expect(rowsIn(theirs)).toEqual(rows())
    expect(await queryInPlace('ours')).toEqual(rows())
  })

  test('we restore what Litestream wrote, and a query in place sees it', async () => {
    const { write, rows, replicateByLitestream, restoreByLitestream, restoreByUs } = await scene('theirs')
    write([100, 5000, 300_000])
    await replicateByLitestream()
    write([1, 200_000])
    await replicateByLitestream()
    const ours = await restoreByUs('ours.db')
    expect(fileHash(ours)).toBe(fileHash(await restoreByLitestream('theirs.db')))
    expect(rowsIn(ours)).toEqual(rows())
    expect(await queryInPlace('theirs')).toEqual(rows())
    // And it is known whose files they are: of which time, too.
    const files = []
    for await (const file of (await client('theirs')).list(0, { useMetadata: true })) files.push(file)
    expect(files.length).toBeGreaterThanOrEqual(2)
    for (const { createdAt } of files) expect(Math.abs(createdAt - Date.now())).toBeLessThan(120_000)
  })

  test('one database goes from Litestream to us and back', async () => {
    const { path, write, rows, replicateByLitestream, restoreByLitestream } = await scene('both')
    write([100, 70_000])
    await replicateByLitestream()
    const replicator = new Replicator({ dbPath: path, client: await client('both') })
    await replicator.start()
    onTestFinished(() => replicator.close().catch(() => {}))
    write([3000])
    await replicator.flush()
    await replicator.close()
    write([4000])
    await replicateByLitestream()
    expect(rowsIn(await restoreByLitestream('theirs.db'))).toEqual(rows())
    expect(await queryInPlace('both')).toEqual(rows())
  })
})

describe.each(['webdav', 'nats'])("Litestream's VFS 0.5.17 on %s", (kind) => {
  test('reads what we wrote, by its URL', async () => {
    const store = await BACKENDS[kind]!()
    onTestFinished(() => store.stop())
    await store.prepare('vfs')
    const path = join(tempDir(), 'app.db')
    const app = new DatabaseSync(path)
    onTestFinished(() => app.close())
    app.exec('PRAGMA journal_mode = wal; CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)')
    for (const size of [1, 300_000, 50]) app.prepare('INSERT INTO t (v) VALUES (randomblob(?))').run(size)
    const replicator = new Replicator({ dbPath: path, client: await openReplicaSettings(store.settings('vfs')) })
    await replicator.start()
    await replicator.flush()
    await replicator.close()
    const reader = join(import.meta.dirname, '../litestream-vfs/reader.ts')
    const env = { LITESTREAM_REPLICA_URL: store.vfsURL!('vfs'), LITESTREAM_LOG_FILE: '/dev/null' }
    const answers = JSON.parse(await run([process.execPath, reader, QUERY, 'PRAGMA integrity_check'], env))
    expect(answers).toEqual([
      app
        .prepare(QUERY)
        .all()
        .map((row) => ({ ...row })),
      [{ integrity_check: 'ok' }],
    ])
  })
})
