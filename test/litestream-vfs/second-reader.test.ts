import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { FrameForm } from '../../ltx/index.ts'
import { openReplica } from '../../storage/node.ts'
import { compactLevel } from '../../writer/index.ts'
import { newBucket, sharedCeph } from '../servers/shared-ceph.ts'
import { tempDir } from '../support/temp-dir.ts'
import { type Workbench, workbench } from '../writer/workbench.ts'

const run = promisify(execFile)
const QUERIES = [
  'SELECT count(*) AS n, sum(length(v)) AS bytes FROM t',
  'SELECT id, hex(substr(v, 1, 8)) AS head, hex(substr(v, -8)) AS tail FROM t ORDER BY id',
  'PRAGMA integrity_check',
]

/** What litestream-vfs 0.5.17 sees in a replica. */
async function readWithLitestream(url: string, queries: readonly string[]): Promise<unknown> {
  const env: NodeJS.ProcessEnv = { ...process.env, LITESTREAM_REPLICA_URL: url, LITESTREAM_LOG_FILE: '/dev/null' }
  if (url.startsWith('s3:')) {
    env.LITESTREAM_ACCESS_KEY_ID = sharedCeph().accessKeyId
    env.LITESTREAM_SECRET_ACCESS_KEY = sharedCeph().secretAccessKey
  }
  delete env.AWS_CA_BUNDLE // its S3 client refuses to start with one
  const reader = join(import.meta.dirname, 'reader.ts')
  const { stdout } = await run(process.execPath, [reader, ...queries], { env, timeout: 60_000 })
  return JSON.parse(stdout)
}

function truth(bench: Workbench, queries: readonly string[]): unknown {
  return JSON.parse(JSON.stringify(queries.map((sql) => bench.app.prepare(sql).all())))
}

async function s3URL(): Promise<string> {
  const { endpoint, region } = sharedCeph()
  const query = `endpoint=${encodeURIComponent(endpoint)}&region=${region}&forcePathStyle=true`
  return `s3://${await newBucket()}/app?${query}`
}

describe('Litestream 0.5.17 reads what we write', () => {
  it.each<[string, () => Promise<string>, FrameForm, number]>([
    ['file, block frames', async () => pathToFileURL(tempDir()).href, 'block', 4096],
    ['file, legacy frames', async () => pathToFileURL(tempDir()).href, 'legacy', 4096],
    ['file, the smallest pages', async () => pathToFileURL(tempDir()).href, 'block', 512],
    ['file, the largest pages', async () => pathToFileURL(tempDir()).href, 'block', 65536],
    ['s3', s3URL, 'block', 4096],
  ])('%s: first image, increments, VACUUM, compaction, snapshot', async (_, makeURL, form, pageSize) => {
    const url = await makeURL()
    const keys = url.startsWith('s3:') ? sharedCeph() : undefined
    const client = await openReplica(url, keys ? { s3: { credentials: keys } } : {})
    const setup = 'CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)'
    const bench = await workbench({ client, form, pageSize, setup })
    const expectSame = async (queries = QUERIES) => {
      await bench.replicate()
      expect(await readWithLitestream(url, queries)).toEqual(truth(bench, queries))
    }
    const insert = bench.app.prepare('INSERT INTO t (v) VALUES (randomblob(?))')
    for (let i = 0; i < 40; i++) insert.run(i * 200)
    // What lies beside the files, and whatever is in it, is nothing to Litestream.
    for (const name of ['litetap/catalog.json', 'litetap/pages.map'] as const) {
      await client.writeSidecar!(name, new TextEncoder().encode('no catalog'))
    }
    await expectSame()
    for (let i = 0; i < 5; i++) {
      insert.run(5000)
      bench.app.exec(`UPDATE t SET v = randomblob(700) WHERE id % 7 = ${i}`)
      await bench.replicate()
    }
    await expectSame()
    bench.app.exec('DELETE FROM t WHERE id % 2 = 0; VACUUM')
    // Its VFS goes on counting pages beyond the end until they are compacted away, and integrity_check sees them
    // as never used (facts 7.3).
    await expectSame(QUERIES.slice(0, 2))
    await compactLevel(client, 1, { form })
    await expectSame()
    await bench.primary.snapshot((maxTXID, stream) => client.write({ level: 9, minTXID: 1n, maxTXID }, stream))
    insert.run(100)
    await expectSame()
    await client.close()
  })
})
