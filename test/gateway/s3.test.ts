import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { expect, onTestFinished, test } from 'vitest'
import { open } from '../../entry/open.ts'
import { openHttp } from '../../storage/http/index.ts'
import { withCatalog } from '../../storage/node.ts'
import { S3Replica } from '../../storage/s3/index.ts'
import { compactLevel, Replicator } from '../../writer/index.ts'
import { newBucket, rawClient, sharedCeph } from '../servers/shared-ceph.ts'
import { tempDir } from '../support/temp-dir.ts'
import { startGateway } from './support.ts'

test('a private bucket: kept with a catalog, read through the gateway; both catalogs say the same', async () => {
  const bucket = await newBucket()
  const { endpoint, region, accessKeyId, secretAccessKey } = sharedCeph()
  const replica = () =>
    new S3Replica({ bucket, path: 'app', endpoint, region, credentials: { accessKeyId, secretAccessKey } })
  const dbPath = join(tempDir(), 'app.db')
  const app = new DatabaseSync(dbPath)
  onTestFinished(() => app.close())
  app.exec('PRAGMA journal_mode = wal; CREATE TABLE t (id INTEGER PRIMARY KEY, x)')
  const client = withCatalog(replica(), { minIntervalMs: 0 })
  const replicator = new Replicator({ dbPath, client })
  await replicator.start()
  const { url } = await startGateway({
    databases: new Map([['app', replica()]]),
    checkIntervalMs: 0,
    listIntervalMs: 300,
  })
  const db = await (async () => {
    await replicator.flush()
    return await open(await openHttp(`${url}/app`), { checkIntervalMs: 0 })
  })()
  onTestFinished(() => db.close())
  for (let i = 0; i < 10; i++) {
    app.prepare('INSERT INTO t (x) VALUES (?)').run(`row ${i}`)
    await db.waitFor(await replicator.flush())
    if (i === 5) expect((await compactLevel(client, 1)).written).toBeDefined()
    expect(await db.all('SELECT * FROM t')).toEqual(
      app
        .prepare('SELECT * FROM t')
        .all()
        .map((row) => ({ ...row })),
    )
  }
  await replicator.close()
  await client.close()
  const raw = rawClient()
  const { Body } = await raw.send(new GetObjectCommand({ Bucket: bucket, Key: 'app/litetap/catalog.json' }))
  const kept = await Body!.transformToString()
  raw.destroy()
  const fresh = await startGateway({ databases: new Map([['app', replica()]]) })
  const served = await (await fetch(`${fresh.url}/app/litetap/catalog.json`)).text()
  expect(kept).toContain('"layout":"s3"')
  // Times too: those of the files, not those of the uploads. The first gateway's were read one by one.
  const files = (text: string) => (JSON.parse(text) as { files: unknown }).files
  expect(files(served)).toEqual(files(kept))
  await expect
    .poll(async () => files(await (await fetch(`${url}/app/litetap/catalog.json`)).text()), {
      timeout: 10_000,
      interval: 50,
    })
    .toEqual(files(served))
})
