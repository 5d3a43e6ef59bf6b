import { randomBytes } from 'node:crypto'
import { chown, mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { readAll } from '../../storage/index.ts'
import { WebdavReplica, type WebdavReplicaOptions } from '../../storage/webdav/index.ts'
import { type LagProxy, startLagProxy } from '../servers/lag-proxy.ts'
import { replicaClientConformance } from '../storage/conformance.ts'
import { collect, listAll, ltxBytes, name, ranges, streamOf } from '../storage/ltx-bytes.ts'
import { diskSubject } from './disk-subject.ts'
import { type ApacheDav, startApacheDav } from './servers/apache-dav.ts'

let apache: ApacheDav
const opened: WebdavReplica[] = []
beforeAll(async () => {
  apache = await startApacheDav()
})
afterAll(async () => {
  for (const client of opened) await client.close()
  await apache?.stop()
})

function replica(options: Partial<WebdavReplicaOptions> = {}): WebdavReplica {
  const { endpoint, user, password } = apache
  const client = new WebdavReplica({ endpoint, user, password, path: '/app', ...options })
  opened.push(client)
  return client
}

replicaClientConformance(
  'WebdavReplica on Apache',
  async () => {
    const name = randomBytes(6).toString('hex')
    const root = join(apache.dir, name)
    await mkdir(root)
    const { uid, gid } = await stat(apache.dir)
    await chown(root, uid, gid)
    return { client: (path) => replica({ path: `/${name}/${path}` }), ...diskSubject(root) }
  },
  {
    subject: WebdavReplica,
    type: 'webdav',
    key: (path, level, file) => `${path}/ltx/${level}/${file}`,
    fastTimestamps: false,
    conditionalWrites: false,
  },
)

function freshPath(): string {
  return `/${randomBytes(6).toString('hex')}`
}

/** What Apache was asked for below a path; temporary names are shown as `.tmp`. Its log is a moment behind. */
async function requestsBelow(path: string): Promise<string[]> {
  const lines = (await apache.requests()).filter((line) => line.includes(path))
  return lines.map((line) => line.replace(path, '').replace(/\.[0-9a-f]{16}\.tmp/, '.tmp'))
}

const file = (min: number): string => `/ltx/0/000000000000000${min}-000000000000000${min}.ltx`
const stored = (min: number): string[] => [`PUT ${file(min)}.tmp 201`, `MOVE ${file(min)}.tmp 201`]
const FOLDERS = ['MKCOL /ltx/0/ 409', 'MKCOL /ltx/ 409', 'MKCOL / 201', 'MKCOL /ltx/ 201', 'MKCOL /ltx/0/ 201']

async function badLine(): Promise<LagProxy> {
  const proxy = await startLagProxy(apache.endpoint)
  onTestFinished(() => proxy.close())
  return proxy
}

describe('requests', () => {
  test('a first file makes its folders, the next ones are a PUT and a MOVE', async () => {
    const path = freshPath()
    const client = replica({ path })
    await client.write(name(0, 1), ltxBytes({ min: 1 }))
    await client.write(name(0, 2), ltxBytes({ min: 2 }))
    await expect.poll(() => requestsBelow(path)).toEqual([...FOLDERS, ...stored(1), ...stored(2)])
  })

  test('a listing is one PROPFIND, a range one GET, with times one GET a file', async () => {
    const path = freshPath()
    const client = replica({ path })
    await client.write(name(0, 1), ltxBytes({ min: 1, size: 5000 }))
    await listAll(client, 0)
    await readAll((await client.open(name(0, 1), { offset: 100, size: 50 }))!)
    await collect(client.list(0, { useMetadata: true }))
    const reads = ['PROPFIND /ltx/0/ 207', `GET ${file(1)} 206`]
    await expect.poll(() => requestsBelow(path)).toEqual([...FOLDERS, ...stored(1), ...reads, ...reads])
  })

  test('go over connections that are used again', async () => {
    const proxy = await badLine()
    const client = replica({ path: freshPath(), endpoint: `http://127.0.0.1:${proxy.port}` })
    for (const min of [1, 2, 3, 4]) {
      await client.write(name(0, min), ltxBytes({ min, size: 100_000 }))
      await readAll((await client.open(name(0, min)))!)
      await listAll(client, 0)
    }
    expect(await client.open(name(5, 1))).toBeUndefined()
    await client.delete([name(0, 1), name(0, 9)])
    // One, and one more where a reply's end had not been seen yet when the next request went out.
    expect(proxy.stats.connections).toBeLessThanOrEqual(3)
  })
})

describe('files', () => {
  test('of 20 MB, whose length is unknown, go both ways', async () => {
    const path = freshPath()
    const client = replica({ path })
    const bytes = ltxBytes({ min: 1, size: 20_000_003 })
    expect((await client.write(name(0, 1), streamOf(bytes, 99_991))).size).toBe(bytes.length)
    expect(Buffer.compare(await readAll((await client.open(name(0, 1)))!), bytes)).toBe(0)
    expect(await readdir(join(apache.dir, path, 'ltx/0'))).toEqual(['0000000000000001-0000000000000001.ltx'])
  })

  test('are written where somebody removed the folder meanwhile', async () => {
    const path = freshPath()
    const client = replica({ path })
    await client.write(name(0, 1), ltxBytes({ min: 1 }))
    await rm(join(apache.dir, path), { recursive: true })
    await client.write(name(0, 2), ltxBytes({ min: 2 }))
    expect(ranges(await listAll(client, 0))).toEqual(['2-2'])
  })

  test('in a listing of 1500, in a path with an &', async () => {
    const path = `${freshPath()}/a&b`
    const client = replica({ path })
    await client.write(name(0, 1), ltxBytes({ min: 1 }))
    const { putRaw } = diskSubject(join(apache.dir, path))
    const hex = (min: number): string => min.toString(16).padStart(16, '0')
    for (let min = 2; min <= 1500; min++) await putRaw(`ltx/0/${hex(min)}-${hex(min)}.ltx`, new Uint8Array(1))
    expect(await listAll(client, 0)).toHaveLength(1500)
  })
})

describe('logging in', () => {
  test('by Digest, with a first file too large to be sent twice', async () => {
    const server = await startApacheDav({ auth: 'digest' })
    onTestFinished(() => server.stop())
    const { endpoint, user, password } = server
    const client = new WebdavReplica({ endpoint, user, password, path: '/app' })
    onTestFinished(() => client.close())
    const bytes = ltxBytes({ min: 1, size: 10_000_000 })
    await client.write(name(0, 1), streamOf(bytes, 99_991))
    await client.write(name(0, 2), ltxBytes({ min: 2 }))
    expect(ranges(await listAll(client, 0))).toEqual(['1-1', '2-2'])
    expect(Buffer.compare(await readAll((await client.open(name(0, 1)))!), bytes)).toBe(0)
  })

  test('with another password is refused, and shows none', async () => {
    const client = replica({ password: 'hunter2' })
    const denied = { code: 'STORAGE_BAD_CREDENTIALS', retryable: false }
    const calls = [
      () => listAll(client, 0),
      () => client.write(name(0, 1), ltxBytes({ min: 1 })),
      () => client.open(name(0, 1)),
    ]
    for (const call of calls) {
      const error = await call().catch((reason) => reason)
      expect(error).toMatchObject(denied)
      expect(`${error.message} ${JSON.stringify(error.at)} ${client.url}`).not.toContain('hunter2')
    }
  })
})

describe('a bad line', () => {
  test('a server that hangs is given up in time', async () => {
    const proxy = await badLine()
    const client = replica({ path: freshPath(), endpoint: `http://127.0.0.1:${proxy.port}`, idleTimeoutMs: 300 })
    await client.write(name(0, 1), ltxBytes({ min: 1 }))
    proxy.set({ blackhole: true })
    const late = { code: 'STORAGE_TIMEOUT', retryable: true }
    await expect(listAll(client, 0)).rejects.toMatchObject(late)
    await expect(client.open(name(0, 1))).rejects.toMatchObject(late)
    await expect(client.write(name(0, 2), ltxBytes({ min: 2 }))).rejects.toMatchObject(late)
  })

  test('a reply that is cut is refused', async () => {
    const proxy = await badLine()
    const client = replica({ path: freshPath(), endpoint: `http://127.0.0.1:${proxy.port}` })
    await client.write(name(0, 1), ltxBytes({ min: 1, size: 5_000_000 }))
    proxy.set({ resetAfter: proxy.stats.down + 1_000_000 })
    const stream = (await client.open(name(0, 1)))!
    await expect(readAll(stream)).rejects.toMatchObject({ code: 'STORAGE_SHORT_READ', retryable: true })
  })

  test('nobody there', async () => {
    const refused = listAll(replica({ endpoint: 'http://127.0.0.1:1' }), 0)
    await expect(refused).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE', retryable: true })
  })
})
