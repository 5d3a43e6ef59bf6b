import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import {
  ListObjectsV2Command,
  PutBucketLifecycleConfigurationCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { checkDatabase, checkPermissions } from '../../daemon/doctor/check-database.ts'
import { checkDisk, judgeFileSystem, judgeSpace } from '../../daemon/doctor/check-disk.ts'
import { checkNode } from '../../daemon/doctor/check-node.ts'
import { judgeAge } from '../../daemon/doctor/check-replica.ts'
import { diagnose, type Finding } from '../../daemon/doctor/index.ts'
import { FileReplica } from '../../storage/file/index.ts'
import { Lease, memoryReplica, type ReplicaClient, type StoreProbe, withCatalog } from '../../storage/node.ts'
import { S3Replica, type S3ReplicaOptions } from '../../storage/s3/index.ts'
import { metaPath, Replicator } from '../../writer/index.ts'
import { newBucket, rawClient, sharedCeph } from '../servers/shared-ceph.ts'
import { ltxBytes, name as ltxName } from '../storage/ltx-bytes.ts'
import { altered } from '../support/altered-client.ts'
import { tempDir } from '../support/temp-dir.ts'

function database(dir: string, mode = 'wal'): string {
  const path = join(dir, 'app.db')
  const db = new DatabaseSync(path)
  db.exec(`pragma journal_mode = ${mode}; create table t (a); insert into t values (1)`)
  db.close()
  return path
}

async function findings(
  dbPath: string,
  client: ReplicaClient,
  { write = true, now = Date.now } = {},
): Promise<Record<string, Finding>> {
  const all: Record<string, Finding> = {}
  for await (const finding of diagnose({ dbPath, client }, { write, now })) all[finding.check] = finding
  return all
}

function troubles(all: Record<string, Finding>): string[] {
  return Object.values(all)
    .filter(({ status }) => status !== 'ok')
    .map(({ check, status }) => `${check}: ${status}`)
}

async function s3(options: Partial<S3ReplicaOptions> = {}): Promise<S3Replica> {
  const { endpoint, region, accessKeyId, secretAccessKey } = sharedCeph()
  const bucket = options.bucket ?? (await newBucket())
  const credentials = { accessKeyId, secretAccessKey }
  return new S3Replica({ bucket, path: 'app', endpoint, region, credentials, maxAttempts: 1, ...options })
}

async function keys(bucket: string): Promise<string[]> {
  const raw = rawClient()
  const { Contents = [] } = await raw.send(new ListObjectsV2Command({ Bucket: bucket }))
  raw.destroy()
  return Contents.map(({ Key }) => Key!)
}

describe('the machine and the database', () => {
  test('Node versions', () => {
    expect(checkNode(process.versions.node).status).toBe('ok')
    expect(checkNode('22.13.0').status).toBe('ok')
    expect(['22.12.9', '20.20.2'].map((version) => checkNode(version).status)).toEqual(['failure', 'failure'])
  })

  test('a database that is well, one in rollback mode, an empty one', async () => {
    const dir = tempDir()
    expect((await checkDatabase(database(dir))).map(({ status }) => status)).toEqual(['ok', 'ok'])
    const rollback = await checkDatabase(database(join(tempDir()), 'delete'))
    expect(rollback[1]).toMatchObject({ check: 'wal mode', status: 'warning' })
    writeFileSync(join(dir, 'empty.db'), '')
    expect(await checkDatabase(join(dir, 'empty.db'))).toMatchObject([{ status: 'warning' }])
  })

  test.each([
    ['absent', () => undefined, /There is no database/],
    ['a folder', (path: string) => mkdirSync(path), /is no file/],
    ['something else', (path: string) => writeFileSync(path, 'x'.repeat(5000)), /is no SQLite database/],
    [
      'of an impossible page size',
      (path: string) => writeFileSync(path, `SQLite format 3\0\x03\x01${'\0'.repeat(200)}`),
      /damaged: its page size is 769/,
    ],
  ])('a database that is %s fails, and its replica is looked at', async (_, make, message) => {
    const path = join(tempDir(), 'app.db')
    make(path)
    const all = await findings(path, new FileReplica({ path: join(tempDir(), 'replica') }))
    expect(all.database).toMatchObject({ status: 'failure', message: expect.stringMatching(message) })
    expect(all.list!.status).toBe('ok')
    expect(all.permissions).toBeUndefined()
  })

  test('a user without rights', async () => {
    const dir = tempDir()
    const path = database(dir)
    expect((await checkPermissions(path, metaPath(path))).status).toBe('ok')
    chmodSync(path, 0o600)
    chmodSync(dir, 0o500)
    const script = `
      import { checkPermissions } from ${JSON.stringify(join(import.meta.dirname, '../../daemon/doctor/check-database.ts'))}
      if (process.getuid() === 0) process.setuid(65534)
      console.log(JSON.stringify(await checkPermissions(${JSON.stringify(path)}, ${JSON.stringify(metaPath(path))})))`
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    chmodSync(dir, 0o700)
    expect(JSON.parse(stdout || JSON.stringify(stderr))).toMatchObject({
      status: 'failure',
      message: expect.stringMatching(/^This user may not (read and write|make files in) .* \(EACCES\)$/),
    })
  })

  test('disk space and file systems', async () => {
    expect(judgeSpace(1e6, 10)).toMatchObject({ status: 'failure' })
    expect(judgeSpace(2e9, 3e9)).toMatchObject({ status: 'warning' })
    expect(judgeSpace(4e9, 3e9)).toMatchObject({ status: 'ok' })
    expect(judgeFileSystem(0x6969)).toMatchObject({ status: 'warning', message: 'The database lies on NFS' })
    expect(judgeFileSystem(0xef53)).toMatchObject({ status: 'ok' })
    // No file can be made in /proc: the system itself reports no room.
    expect((await checkDisk('/proc/version'))[0]).toMatchObject({ status: 'failure' })
  })
})

describe('a store in a folder', () => {
  test('before the first upload all is well, and nothing is left behind', async () => {
    const path = database(tempDir())
    const replica = join(tempDir(), 'replica')
    const all = await findings(path, new FileReplica({ path: replica }))
    expect(troubles(all)).toEqual([])
    expect(Object.keys(all)).toEqual(expect.arrayContaining(['put', 'get', 'range get', 'delete', 'conditional write']))
    expect(readdirSync(replica, { recursive: true })).toEqual(['litetap'])
  })

  test('without writing the folder is not even made', async () => {
    const path = database(tempDir())
    const replica = join(tempDir(), 'replica')
    const all = await findings(path, new FileReplica({ path: replica }), { write: false })
    expect(all.put).toBeUndefined()
    expect(existsSync(replica)).toBe(false)
  })

  test('in use all is well; then a file is lost, local state is, another writer comes', async () => {
    const path = database(tempDir())
    const folder = join(tempDir(), 'replica')
    const client = new FileReplica({ path: folder })
    const db = new DatabaseSync(path)
    const kept = withCatalog(new FileReplica({ path: folder }), { onError: (error) => expect(error).toBeUndefined() })
    const replicator = new Replicator({ dbPath: path, client: kept })
    await replicator.start()
    for (let i = 0; i < 4; i++) {
      db.exec('insert into t values (2)')
      await replicator.flush()
    }
    await replicator.close()
    await kept.close()
    db.close()
    const all = await findings(path, client)
    expect(troubles(all)).toEqual([])
    expect(all['page frames']!.message).toMatch(/block form/)
    expect(all['other writer']!.message).toMatch(/Local state is at TXID 0+[3-9]/)

    const files = await Array.fromAsync(client.list(0))
    await client.delete([files[1]!])
    const holed = await findings(path, client)
    expect(holed.levels).toMatchObject({ status: 'failure', message: expect.stringContaining('Level 0 has a hole') })
    expect(holed.catalog).toMatchObject({ status: 'warning', message: 'It lacks 0 files, and has 1 that are gone' })

    const next = Number(files.at(-1)!.maxTXID) + 1
    await client.write(ltxName(0, next), ltxBytes({ min: next, timestamp: Date.now() }))
    expect((await findings(path, client))['other writer']).toMatchObject({
      status: 'warning',
      message: expect.stringMatching(/^Local state is at TXID \w+ only, the replica is at TXID/),
    })
    await rm(metaPath(path), { recursive: true })
    expect((await findings(path, client))['other writer']).toMatchObject({
      status: 'warning',
      message: expect.stringMatching(/^There is no local state/),
    })
  })

  test('a lease: held, ended, damaged', async () => {
    const path = database(tempDir())
    const client = new FileReplica({ path: join(tempDir(), 'replica') })
    await new Lease(client.lease, { owner: 'host:7', now: Date.now, ttlMs: 60_000 }).acquire()
    expect((await findings(path, client)).lease).toMatchObject({
      status: 'warning',
      message: expect.stringContaining('held by host:7 until '),
    })
    const later = () => Date.now() + 120_000
    expect((await findings(path, client, { now: later })).lease).toMatchObject({ status: 'ok' })
    const { version } = (await client.lease.get())!
    await client.lease.put(Buffer.from('{'), version)
    expect((await findings(path, client)).lease).toMatchObject({ status: 'failure' })
  })

  test('uploads that stay away', () => {
    const levels = [[{ level: 0, minTXID: 1n, maxTXID: 1n, size: 1, createdAt: 1e12 }]]
    const hour = 3_600_000
    expect(judgeAge(levels, { changedAt: 1e12 + hour, now: 1e12 + hour })).toMatchObject({
      status: 'warning',
      message: expect.stringContaining('60 minutes later'),
    })
    expect(judgeAge(levels, { changedAt: 1e12, now: 1e12 + hour }).status).toBe('ok')
  })
})

describe('S3', () => {
  test('a bucket that is well: every check is made, and nothing is left behind', async () => {
    const bucket = await newBucket()
    const all = await findings(database(tempDir()), await s3({ bucket }))
    expect(troubles(all)).toEqual([])
    expect(Object.keys(all)).toEqual(
      expect.arrayContaining(['clock', 'put', 'conditional write', 'lifecycle', 'versioning']),
    )
    expect(await keys(bucket)).toEqual([])
  })

  test('rules that delete, and versions', async () => {
    const bucket = await newBucket()
    const raw = rawClient()
    await raw.send(
      new PutBucketLifecycleConfigurationCommand({
        Bucket: bucket,
        LifecycleConfiguration: {
          Rules: [
            { ID: 'other', Status: 'Enabled', Filter: { Prefix: 'logs/' }, Expiration: { Days: 1 } },
            { ID: 'sweep', Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Days: 30 } },
          ],
        },
      }),
    )
    const versioning = { Status: 'Enabled' as const }
    await raw.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: versioning }))
    raw.destroy()
    const all = await findings(database(tempDir()), await s3({ bucket }), { write: false })
    expect(all.lifecycle).toMatchObject({
      status: 'failure',
      message: expect.stringMatching(/^Rule "sweep" .* 30 days$/),
    })
    expect(all.versioning).toMatchObject({ status: 'warning' })
  })

  test.each([
    [20, 'failure'],
    [-20, 'failure'],
    [3, 'warning'],
  ])('a clock that is %i minutes off: %s', async (minutes, status) => {
    const now = () => Date.now() + minutes * 60_000
    const all = await findings(database(tempDir()), await s3(), { write: false, now })
    expect(all.clock).toMatchObject({ status, message: expect.stringContaining(minutes > 0 ? 'ahead of' : 'behind') })
  })

  test.each([
    ['a wrong secret', { credentials: { accessKeyId: 'x', secretAccessKey: 'hush' } }],
    ['no such bucket', { bucket: 'not-there-at-all' }],
    ['nobody there', { endpoint: 'http://127.0.0.1:1' }],
  ])('%s: listing fails, and no more is tried', async (_, options) => {
    const all = await findings(database(tempDir()), await s3(options))
    expect(all.list).toMatchObject({ status: 'failure' })
    expect(all.put).toBeUndefined()
    expect(JSON.stringify(all)).not.toContain('hush')
  })
})

describe('a store that does not keep its word', () => {
  /** The probe of a folder of which some methods do something else. */
  function broken(methods: (good: StoreProbe) => Partial<StoreProbe>): ReplicaClient {
    const client = new FileReplica({ path: join(tempDir(), 'replica') })
    const good = client.probe
    const probe: StoreProbe = {
      put: (name, body, options) => good.put(name, body, options),
      get: (name, options) => good.get(name, options),
      delete: (name) => good.delete(name),
      ...methods(good),
    }
    return altered(client, { probe })
  }

  test.each<[string, string, (good: StoreProbe) => Partial<StoreProbe>, string]>([
    [
      'reads nothing back',
      'get',
      (good) => ({ get: async (n, o) => (o?.size ? good.get(n, o) : undefined) }),
      'failure',
    ],
    ['gives the whole for a part', 'range get', (good) => ({ get: (name) => good.get(name) }), 'failure'],
    ['keeps what is deleted', 'delete', () => ({ delete: async () => {} }), 'failure'],
    [
      'ignores conditions',
      'conditional write',
      (good) => ({ put: (n, b) => good.put(n, b, { exclusive: false }) }),
      'warning',
    ],
    ['refuses to write', 'put', () => ({ put: () => Promise.reject(new Error('read-only')) }), 'failure'],
  ])('%s', async (_, check, methods, status) => {
    const all = await findings(database(tempDir()), broken(methods))
    expect(troubles(all)).toEqual([`${check}: ${status}`])
  })

  test('a server without conditional writes says so', async () => {
    const server = createServer((request, reply) => {
      if (request.headers['if-none-match'] === '*') reply.writeHead(501).end()
      else if (request.method === 'PUT') reply.writeHead(200, { etag: '"1"' }).end()
      else reply.writeHead(500).end()
      request.resume()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const client = await s3({ endpoint, bucket: 'any' })
      await expect(client.probe.put('x', new Uint8Array(1), { exclusive: true })).rejects.toMatchObject({
        code: 'STORAGE_NO_CONDITIONAL_WRITES',
      })
    } finally {
      server.close()
    }
  })

  test('a store that cannot be tried out is looked at only', async () => {
    const all = await findings(database(tempDir()), memoryReplica())
    expect(all.access).toMatchObject({ status: 'ok', message: 'Reading and writing are not tried on memory stores' })
  })
})
