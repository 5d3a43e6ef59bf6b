import { writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { formatFilename } from '../../ltx/index.ts'
import { AbsReplica } from '../../storage/abs/index.ts'
import { FileReplica, mkdirDurable } from '../../storage/file/index.ts'
import { GsReplica } from '../../storage/gs/index.ts'
import { type ReplicaClient, readAll, withRetry } from '../../storage/index.ts'
import { pageMapLimit } from '../../storage/limits.ts'
import { followPages, type ListedObject, type ListingPage, levelFiles } from '../../storage/listing.ts'
import { S3Replica } from '../../storage/s3/index.ts'
import { readFolder } from '../../storage/sftp/folder.ts'
import type { SftpSession } from '../../storage/sftp/session.ts'
import { openWebReplica } from '../../storage/web.ts'
import { WebdavReplica } from '../../storage/webdav/index.ts'
import { bomb, pour, type Sent } from '../servers/bad-bodies.ts'
import { type ScriptedRequest, type ScriptedServer, startScriptedHttp } from '../servers/scripted-http.ts'
import { failureOf } from '../support/failure-of.ts'
import { tempDir } from '../support/temp-dir.ts'
import { collect, listAll, name } from './ltx-bytes.ts'

const MIB = 1024 * 1024
/** What is under way in sockets, of both sides, and in a decompressor. */
const UNDER_WAY = 24 * MIB
const CATALOG = '{"litetap":1,"layout":"ltx","pageMap":["1",1000],"files":[\n[9,"1","1",5000,1]\n]}'

async function serve(answer: (request: ScriptedRequest, response: ServerResponse) => void): Promise<ScriptedServer> {
  const server = await startScriptedHttp(answer)
  onTestFinished(() => server.close())
  return server
}

/** A server whose every answer has no end. */
async function pouring(status = 200, head: Readonly<Record<string, string>> = {}) {
  const sent: Sent[] = []
  const server = await serve((_, response) => {
    response.writeHead(status, head)
    sent.push(pour(response))
  })
  return { ...server, sent }
}

/** It ended by its limit: with one request, and without taking much more than that. */
async function expectLimit(
  call: Promise<unknown>,
  server: { readonly requests: readonly unknown[]; readonly sent: readonly Sent[] },
  { key, bytes }: { readonly key: string; readonly bytes: number },
): Promise<void> {
  const error = await failureOf(call)
  expect(error).toMatchObject({ code: 'STORAGE_TOO_LARGE', retryable: false })
  expect(error.message).toContain(key)
  expect(error.message).toContain(`has more than ${bytes} bytes; `)
  expect(error.message).not.toContain('\n')
  expect(server.requests).toHaveLength(1)
  await expectLeft(server.sent, bytes)
}

async function expectLeft(sent: readonly Sent[], bytes: number): Promise<void> {
  await expect.poll(() => sent.every(({ left }) => left)).toBe(true)
  // What is compressed is a thousand times as much before: what of it is under way tells nothing.
  for (const each of sent) if (!each.compressed) expect(each.bytes).toBeLessThan(bytes + UNDER_WAY)
}

describe('a web server with a catalog', () => {
  const bytes = 80_004_096

  test('an endless catalog', async () => {
    const server = await pouring()
    const client = withRetry(await openWebReplica(`${server.endpoint}/app`))
    await expectLimit(client.listAll!(), server, { key: '/app/litetap/catalog.json', bytes })
  })

  test('a compressed one, counted as it is without', async () => {
    const sent: Sent[] = []
    const server = await serve((_, response) => void sent.push(bomb(response)))
    const client = withRetry(await openWebReplica(`${server.endpoint}/app`))
    await expectLimit(client.listAll!(), { ...server, sent }, { key: '/app/litetap/catalog.json', bytes })
  })

  test.each([
    ['endless', pour],
    ['compressed', bomb],
  ])('a page map that is %s, though the catalog says that it has 1000 bytes', async (_, send) => {
    const sent: Sent[] = []
    const server = await serve(({ url }, response) => {
      if (url.endsWith('.json')) response.end(CATALOG)
      else sent.push(send(response))
    })
    const client = withRetry(await openWebReplica(`${server.endpoint}/app`))
    await client.listAll!()
    server.requests.length = 0
    await expectLimit(client.readPageMap!(), { ...server, sent }, { key: '/app/litetap/pages.map', bytes: 67_536 })
  })

  test('a page map of any size that the catalog names has a limit too', () => {
    expect(pageMapLimit(2 ** 53 - 1).bytes).toBe(256 * MIB)
  })

  test('a page map somewhat larger than the catalog says is read: it may be a newer one', async () => {
    const server = await serve(({ url }, response) => {
      response.end(url.endsWith('.json') ? CATALOG : Buffer.alloc(60_000))
    })
    const client = await openWebReplica(`${server.endpoint}/app`)
    await client.listAll!()
    expect(await client.readPageMap!()).toHaveLength(60_000)
  })

  test.each([403, 500])('a refusal (%i) is understood by its beginning', async (status) => {
    const server = await pouring(status)
    const error = await failureOf((await openWebReplica(`${server.endpoint}/app`)).listAll!())
    expect(error).toMatchObject({ at: { status } })
    await expectLeft(server.sent, 64 * 1024)
  })
})

describe('stores that list', () => {
  const bytes = 16 * MIB
  const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' }
  const account = { accountName: 'account', accountKey: Buffer.from('key').toString('base64') }
  const retry = { attempts: 3, baseMs: 1 }
  const stores: Record<string, (endpoint: string) => Promise<ReplicaClient> | ReplicaClient> = {
    's3 over fetch': (endpoint) => openWebReplica(`s3://b/app?endpoint=${endpoint}&force-path-style=true`),
    s3: (endpoint) => new S3Replica({ bucket: 'b', path: 'app', endpoint, credentials, maxAttempts: 3 }),
    gs: (endpoint) => new GsReplica({ bucket: 'b', path: 'app', endpoint, retry }),
    abs: (endpoint) => new AbsReplica({ bucket: 'b', path: 'app', endpoint, ...account, retry }),
  }
  const leases = ['s3', 'gs', 'abs']

  test.each(Object.keys(stores))('%s: an endless page of a listing', async (store) => {
    const server = await pouring(200, { 'content-type': 'application/xml' })
    const client = withRetry(await stores[store]!(server.endpoint))
    // The sdks do not tell what they were asked for; where they are, they do.
    const key = store === 'abs' ? server.endpoint : 'b/app/'
    await expectLimit(listAll(client, 0), server, { key, bytes })
  })

  test.each(Object.keys(stores))('%s: an endless refusal of a listing and of a file', async (store) => {
    const server = await pouring(403, { 'content-type': 'application/xml' })
    const client = await stores[store]!(server.endpoint)
    const calls = [() => listAll(client, 0), () => client.open(name(0, 1)), () => client.open(name(0, 2))]
    for (const call of calls) {
      expect(await failureOf(call())).toMatchObject({ retryable: false })
    }
    await expectLeft(server.sent, bytes)
  })

  test.each(leases)('%s: an endless lease', async (store) => {
    const head = { etag: '"1"', 'x-goog-generation': '1' }
    // Azure's SDK takes no body without a length.
    const server = await pouring(200, store === 'abs' ? { ...head, 'content-length': '1000000000000' } : head)
    const client = await stores[store]!(server.endpoint)
    await expectLimit(client.lease!.get(), server, { key: 'app/lock.json', bytes: 64 * 1024 })
  })

  test('abs: a file whose answer its SDK does not take', async () => {
    const server = await pouring(200) // without a length
    const client = await stores.abs!(server.endpoint)
    expect(await failureOf(client.open(name(0, 1)))).toMatchObject({ code: 'STORAGE_BAD_REPLY' })
    await expectLeft(server.sent, 0)
  })

  test.each(['gs', 'abs'])('%s: an endless answer to a write', async (store) => {
    const server = await pouring(201, { etag: '"1"' })
    const client = await stores[store]!(server.endpoint)
    if (store === 'gs')
      await expectLimit(client.writeSidecar!('litetap/pages.map', new Uint8Array(5)), server, {
        key: 'app/litetap/pages.map',
        bytes: MIB,
      })
    else await failureOf(client.writeSidecar!('litetap/pages.map', new Uint8Array(5)))
    await expectLeft(server.sent, bytes)
  })

  test('webdav: an endless folder, and an endless refusal, which nobody reads', async () => {
    const server = await pouring(207)
    const client = new WebdavReplica({ endpoint: server.endpoint, path: '/app' })
    await expectLimit(listAll(client, 0), server, { key: '/app/ltx/0', bytes: 128 * MIB })
    for (const status of [403, 500]) {
      const refusing = await pouring(status)
      const refused = new WebdavReplica({ endpoint: refusing.endpoint, path: '/app' })
      expect(await failureOf(listAll(refused, 0))).toMatchObject({ at: { status } })
      await expectLeft(refusing.sent, 64 * 1024)
    }
  })

  test('a lease in a folder', async () => {
    const path = tempDir()
    await mkdirDurable(join(path, 'lock'), {})
    await writeFile(join(path, 'lock', '0000000000000001.json'), Buffer.alloc(70_000, 32))
    const error = await failureOf(new FileReplica({ path }).lease.get())
    expect(error).toMatchObject({ code: 'STORAGE_TOO_LARGE', retryable: false })
    expect(error.message).toContain('has more than 65536 bytes; it is no lease')
  })
})

describe('listings', () => {
  const place = { name: 's3://b/app/0000/', at: { key: 'app/0000/' } }
  const level = { level: 0, prefix: 'app/0000/', seek: 0n, place }
  const object = (min: bigint, max = min): ListedObject => ({
    key: `app/0000/${formatFilename(min, max)}`,
    size: 1,
    lastModified: 1,
  })

  test.each([
    ['empty pages', 0],
    ['foreign names', 1],
  ])('without an end, of %s: an error after ten thousand pages', async (_, objects) => {
    let asked = 0
    const read = async (): Promise<ListingPage> => {
      asked += 1
      return { objects: new Array(objects).fill({ ...object(1n), key: 'app/0000/x' }), more: true, next: `${asked}` }
    }
    const error = await failureOf(collect(levelFiles(followPages(read, place), level)))
    expect(error).toMatchObject({ code: 'STORAGE_TOO_LARGE', retryable: false, at: place.at })
    expect(error.message).toContain('Cannot list s3://b/app/0000/: it has more than 10000 pages; ')
    expect(asked).toBe(10_000)
  })

  test('of more than a million files', async () => {
    let next = 0n
    const read = async (): Promise<ListingPage> => {
      const objects = Array.from({ length: 10_000 }, () => {
        next += 1n
        return object(next)
      })
      return { objects, more: true, next: `${next}` }
    }
    const error = await failureOf(collect(levelFiles(followPages(read, place), level)))
    expect(error.message).toContain('it has more than 1000000 files; let compaction and retention run')
    expect(next).toBeLessThanOrEqual(1_010_000n)
  })

  test.each([
    [object(0n), 'TXIDs'],
    [object(3n, 2n), 'TXIDs'],
    [{ ...object(2n), size: -1 }, 'size'],
    [{ ...object(2n), size: Number.NaN }, 'size'],
    [{ ...object(2n), size: 1.5 }, 'size'],
    [{ ...object(2n), size: 2 ** 53 }, 'size'],
    [{ ...object(2n), lastModified: Number.NaN }, 'time'],
    [{ ...object(2n), lastModified: Number.POSITIVE_INFINITY }, 'time'],
    [{ ...object(2n), lastModified: 8.64e15 + 1 }, 'time'],
  ])('a file that lies is named: %o', async (lying, what) => {
    const pages = (async function* () {
      yield [lying]
    })()
    const error = await failureOf(collect(levelFiles(pages, level)))
    expect(error).toMatchObject({ code: 'STORAGE_BAD_REPLY', retryable: false, at: place.at })
    expect(error.message).toBe(`Cannot list s3://b/app/0000/: no file can have the ${what} of ${lying.key.slice(9)}`)
  })

  test('in a folder too', async () => {
    const path = tempDir()
    await mkdirDurable(join(path, 'ltx', '0'), {})
    await writeFile(join(path, 'ltx', '0', formatFilename(5n, 4n)), 'x')
    expect((await failureOf(listAll(new FileReplica({ path }), 0))).message).toContain('no file can have the TXIDs of')
  })

  test.each([
    ['names without an end', 1000, 'more than 1000000 names'],
    ['answers without a name', 0, 'an answer without a name'],
  ])('sftp: %s', async (_, count, what) => {
    const names = new Array(count).fill({ filename: 'x', longname: '', attrs: {} })
    let asked = 0
    const session = {
      openHandle: async () => Buffer.alloc(0),
      closeHandle: () => {},
      request: async () => {
        asked += 1
        return names
      },
    }
    const error = await failureOf(readFolder(session as unknown as SftpSession, '/app/ltx/0'))
    expect(error).toMatchObject({ code: 'STORAGE_TOO_LARGE', at: { key: '/app/ltx/0' } })
    expect(error.message).toContain(what)
    expect(asked).toBeLessThanOrEqual(1001)
  })
})

test('what is read whole and fits is read', async () => {
  const server = await serve((_, response) => void response.end(CATALOG))
  const client = await openWebReplica(`${server.endpoint}/app`)
  expect(await client.listAll!()).toHaveLength(1)
  const stream = (async function* () {
    yield new Uint8Array(3)
  })()
  expect(await readAll(stream)).toHaveLength(3)
})
