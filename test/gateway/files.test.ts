import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type StaticFile, Tokens } from '../../gateway/index.ts'
import { Replica } from '../../replica/index.ts'
import { openHttp } from '../../storage/http/index.ts'
import { decodeCatalog, MemoryReplica, StorageError, withCounting } from '../../storage/node.ts'
import { name } from '../storage/ltx-bytes.ts'
import { altered } from '../support/altered-client.ts'
import { Bucket } from '../writer/restore-bucket.ts'
import { canaryReplica, fill, l0, startGateway } from './support.ts'

async function scene(count = 2, size = 10_000) {
  const { client } = canaryReplica()
  const files = await fill(client(), count, size)
  const { client: counted, counts } = withCounting(client())
  const running = await startGateway({ databases: new Map([['app', counted]]) })
  const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    fetch(running.url + path, { headers, method })
  return { ...running, files, client, counts, get }
}

const bytesOf = async (reply: Response): Promise<Uint8Array> => new Uint8Array(await reply.arrayBuffer())

describe('files', () => {
  test('whole, and the headers that let anybody keep it for ever', async () => {
    const { files, get } = await scene()
    const reply = await get(l0(1))
    expect(reply.status).toBe(200)
    expect(await bytesOf(reply)).toEqual(files[0])
    expect(Object.fromEntries(reply.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': '10000',
      'cache-control': 'public, max-age=31536000, immutable, no-transform',
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
      etag: '"0000000000000001-0000000000000001-10000"',
    })
    expect(reply.headers.get('content-encoding')).toBeNull()
  })

  test.each([
    ['bytes=0-99', 0, 100],
    ['bytes=9990-', 9990, 10_000],
    ['bytes=-7', 9993, 10_000],
    ['bytes=5000-99999', 5000, 10_000],
    ['bytes=0-', 0, 10_000],
  ])('the range %s', async (range, start, end) => {
    const { files, get } = await scene()
    const reply = await get(l0(2), { range })
    expect(reply.status).toBe(206)
    expect(reply.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/10000`)
    expect(reply.headers.get('content-length')).toBe(String(end - start))
    expect(await bytesOf(reply)).toEqual(files[1]!.slice(start, end))
  })

  test.each(['bytes=10000-', 'bytes=0-1,3-4', 'bytes=9-1', 'bytes=x', 'bytes=-0'])(
    'the range %s is 416',
    async (range) => {
      const { get, counts } = await scene()
      await (await get(l0(1))).arrayBuffer()
      counts.reset()
      const reply = await get(l0(1), { range })
      expect([reply.status, reply.headers.get('content-range')]).toEqual([416, 'bytes */10000'])
      expect(await reply.text()).toMatch(/^Cannot send that range: /)
      expect(counts.total).toBe(0)
    },
  )

  test('HEAD tells the length, without the store being read', async () => {
    const { get, counts } = await scene()
    const reply = await get(l0(1), { range: 'bytes=0-9' }, 'HEAD')
    expect([reply.status, reply.headers.get('content-length')]).toEqual([200, '10000'])
    expect(counts.requests.get).toBe(0)
  })

  test('conditions', async () => {
    const { get, counts } = await scene()
    const etag = (await get(l0(1))).headers.get('etag')!
    counts.reset()
    for (const condition of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const reply = await get(l0(1), { 'if-none-match': condition })
      expect([reply.status, reply.headers.get('etag'), (await bytesOf(reply)).length]).toEqual([304, etag, 0])
    }
    expect(counts.total).toBe(0)
    expect((await get(l0(1), { 'if-none-match': '"x"' })).status).toBe(200)
    const ranged = async (ifRange: string) => (await get(l0(1), { range: 'bytes=0-9', 'if-range': ifRange })).status
    expect([await ranged(etag), await ranged('"x"'), await ranged(`W/${etag}`)]).toEqual([206, 200, 200])
  })

  test('what is not there is 404, and asking for it again and again costs the store little', async () => {
    const { get, counts } = await scene()
    await get(l0(1))
    counts.reset()
    for (let txid = 100; txid < 150; txid++) expect((await get(l0(txid))).status).toBe(404)
    expect(counts.total).toBeLessThan(10)
    expect((await get('/app/ltx/9/0000000000000001-0000000000000001.ltx')).status).toBe(404)
    expect((await get(l0(1, 'other'))).status).toBe(404)
  })

  test('a file that comes is found at once, one that goes is missing at once', async () => {
    const { client } = canaryReplica()
    await fill(client(), 2)
    const running = await startGateway({ databases: new Map([['app', client()]]), checkIntervalMs: 0 })
    const status = async (txid: number) => {
      const reply = await fetch(running.url + l0(txid))
      await reply.arrayBuffer()
      return reply.status
    }
    expect([await status(2), await status(3)]).toEqual([200, 404])
    await fill(client(), 3)
    expect(await status(3)).toBe(200)
    await client().delete([name(0, 1)])
    expect(await status(1)).toBe(404)
    const catalog = await fetch(`${running.url}/app/litetap/catalog.json`)
    expect(decodeCatalog(await bytesOf(catalog), '').files.map(({ minTXID }) => minTXID)).toEqual([2n, 3n])
  })
})

describe('the catalog', () => {
  const PATH = '/app/litetap/catalog.json'

  test('says what there is, and that it is the same', async () => {
    const { get, client } = await scene(3)
    const reply = await get(PATH)
    expect(Object.fromEntries(reply.headers)).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'no-cache, no-transform',
      etag: expect.stringMatching(/^"[\w-]{22}"$/),
    })
    const { files, layout } = decodeCatalog(await bytesOf(reply), '')
    expect(layout).toBe('ltx')
    const listed = []
    for await (const file of client().list(0)) listed.push(file)
    expect(files).toEqual(listed)
    const etag = reply.headers.get('etag')!
    const again = await get(PATH, { 'if-none-match': etag })
    expect([again.status, (await bytesOf(again)).length, again.headers.get('etag')]).toEqual([304, 0, etag])
    const head = await get(PATH, {}, 'HEAD')
    expect([head.status, head.headers.get('content-length')]).toEqual([200, reply.headers.get('content-length')])
  })

  test('many who ask at once cost the store one look, and one page map', async () => {
    const { get, counts } = await scene(3)
    const replies = await Promise.all(Array.from({ length: 50 }, () => get(PATH)))
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]))
    // Of the file that is not read whole its end and its header, side by side.
    expect(counts.snapshot()).toMatchObject({ list: 10, get: 5, total: 15 })
  })

  test('who asks all the time costs the store one small request a time, and a listing now and then', async () => {
    const { client } = canaryReplica()
    await fill(client(), 3)
    const { client: counted, counts } = withCounting(client())
    const running = await startGateway({ databases: new Map([['app', counted]]), checkIntervalMs: 0 })
    await fetch(running.url + PATH)
    counts.reset()
    for (let i = 0; i < 20; i++) await fetch(running.url + PATH)
    expect(counts.snapshot()).toMatchObject({ get: 20, total: 20, bytesIn: 0 })
  })

  test('a level that is compacted while it is listed leaves no hole', async () => {
    const replica = new MemoryReplica()
    await fill(replica, 6)
    let first = true
    // The levels are listed at once: level 1 is listed before the compaction, level 0 after it.
    const compacting = altered(replica, {
      list: async function* (level, options) {
        const files = []
        for await (const file of replica.list(level, options)) files.push(file)
        yield* files
        if (level !== 1 || !first) return
        first = false
        const { ltxBytes } = await import('../storage/ltx-bytes.ts')
        await replica.write(name(1, 1, 5), ltxBytes({ min: 1, max: 5 }))
        await replica.delete([1, 2, 3, 4, 5].map((txid) => name(0, txid)))
      },
    })
    const slowZero = altered(compacting, {
      list: async function* (level, options) {
        if (level === 0) await new Promise((resolve) => setTimeout(resolve, 20))
        yield* compacting.list(level, options)
      },
    })
    const running = await startGateway({ databases: new Map([['app', slowZero]]) })
    const { files } = decodeCatalog(await bytesOf(await fetch(running.url + PATH)), '')
    expect(files.map(({ level, minTXID, maxTXID }) => `${level}/${minTXID}-${maxTXID}`)).toEqual(['0/6-6', '1/1-5'])
  })
})

describe('the store fails', () => {
  test.each([
    ['STORAGE_THROTTLED', 503],
    ['STORAGE_TIMEOUT', 504],
    ['STORAGE_ACCESS_DENIED', 502],
  ] as const)('%s is %i, and says no more', async (code, status) => {
    const failing = altered(new MemoryReplica(), {
      // biome-ignore lint/correctness/useYield: it fails before there is anything
      list: async function* () {
        throw new StorageError(code, 'bucket secret-bucket said no')
      },
    })
    const errors: unknown[] = []
    const running = await startGateway({
      databases: new Map([['app', failing]]),
      onError: (error, database) => errors.push([(error as StorageError).code, database]),
    })
    for (const path of [l0(1), '/app/litetap/catalog.json', '/app/litetap/events']) {
      const reply = await fetch(running.url + path)
      expect([reply.status, await reply.text()]).toEqual([status, 'The store cannot be read now\n'])
    }
    expect(errors).toContainEqual([code, 'app'])
  })

  test('in the middle of a file: the reader is told by a broken connection, at once', { timeout: 10_000 }, async () => {
    const replica = new MemoryReplica()
    await fill(replica, 1, 100_000)
    for (const how of ['fails', 'ends'] as const) {
      const breaking = altered(replica, {
        open: async (file, options) => {
          const stream = await replica.open(file, options)
          return (async function* () {
            for await (const chunk of stream!) {
              yield chunk.subarray(0, 50_000)
              if (how === 'ends') return
              throw new StorageError('STORAGE_SHORT_READ', 'broken')
            }
          })()
        },
      })
      const running = await startGateway({ databases: new Map([['app', breaking]]) })
      const reply = await fetch(running.url + l0(1))
      expect([reply.status, reply.headers.get('content-length')]).toEqual([200, '100000'])
      await expect(reply.arrayBuffer()).rejects.toThrow()
    }
  })
})

describe('the rest', () => {
  test('health, a list, metrics', async () => {
    const { get } = await scene(2)
    expect(await (await get('/health')).text()).toBe('ok\n')
    expect(await (await get('/')).json()).toEqual({ litetap: 1, databases: [{ name: 'app', path: '/app' }] })
    await (await get(l0(1), { range: 'bytes=0-99' })).arrayBuffer()
    await (await get(l0(99))).arrayBuffer()
    // A reader has all of a reply before the gateway has closed it, which is when it is counted.
    const text = await vi.waitFor(async () => {
      const metrics = await (await get('/metrics')).text()
      expect(metrics).toMatch(/^litetap_gateway_requests_total\{route="ltx",status="206"\} 1$/m)
      return metrics
    })
    expect(text).toMatch(/^litetap_gateway_requests_total\{route="ltx",status="404"\} 1$/m)
    expect(text).toMatch(/^litetap_gateway_txid\{database="app"\} 2$/m)
    expect(text).toMatch(/^litetap_gateway_upstream_requests_total\{database="app",verb="list"\} \d+$/m)
    expect(text).toMatch(/^litetap_gateway_sent_bytes_total\{route="ltx"\} 1\d\d$/m)
    for (const line of text.split('\n').filter((each) => each !== '')) {
      expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [\d.]+)$/)
    }
  })

  test('static files, by their exact path only', async () => {
    const replica = new MemoryReplica()
    const page = { body: '<!doctype html>', type: 'text/html; charset=utf-8' }
    const staticFiles = new Map<string, StaticFile>([
      ['/', page],
      ['/assets/a.js', { body: new Uint8Array([1, 2]), type: 'text/javascript' }],
    ])
    const tokens = new Tokens('all-all-all-all-all: *', ['app'])
    const running = await startGateway({ databases: new Map([['app', replica]]), staticFiles, tokens })
    const reply = await fetch(`${running.url}/?replica=app`)
    expect([reply.status, reply.headers.get('content-type'), await reply.text()]).toEqual([200, page.type, page.body])
    const again = await fetch(running.url, { headers: { 'if-none-match': reply.headers.get('etag')! } })
    expect(again.status).toBe(304)
    expect(await bytesOf(await fetch(`${running.url}/assets/a.js`))).toEqual(new Uint8Array([1, 2]))
    for (const path of ['/assets', '/assets/', '/assets/a.js/', '/assets/A.js', '/assets/%61.js', '/constructor']) {
      expect((await fetch(running.url + path)).status).toBe(401)
    }
  })
})

describe('the page map', () => {
  test('comes with the first catalog: a reader opens without asking for one file', async () => {
    const bucket = new Bucket()
    for (let i = 0; i < 10; i++) await bucket.insertAndUpload(20)
    const { client, counts } = withCounting(bucket.client)
    const running = await startGateway({ databases: new Map([['app', client]]), checkIntervalMs: 0 })
    const { pageMap } = decodeCatalog(await bytesOf(await fetch(`${running.url}/app/litetap/catalog.json`)), '')
    const reply = await fetch(`${running.url}/app/litetap/pages.map`)
    expect(Object.fromEntries(reply.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'cache-control': 'no-store, no-transform',
    })
    expect(pageMap).toEqual({ txid: 10n, size: (await bytesOf(reply)).length })
    counts.reset()
    const reader = withCounting(await openHttp(`${running.url}/app`))
    const replica = await Replica.open(reader.client)
    onTestFinished(() => replica.close())
    expect(replica.state.txid).toBe(10n)
    expect(reader.counts.requests.get).toBe(2)
    await bucket.insertAndUpload(20)
    expect((await replica.refresh({ maxAgeMs: 0 })).txid).toBe(11n)
    expect(counts.snapshot().get).toBeLessThanOrEqual(4)
  })

  test('of files that are damaged there is none, and nothing else suffers', async () => {
    const { get } = await scene(3)
    expect(decodeCatalog(await bytesOf(await get('/app/litetap/catalog.json')), '').pageMap).toBeUndefined()
    expect((await get('/app/litetap/pages.map')).status).toBe(404)
  })

  test('is for those who may read the database', async () => {
    const tokens = new Tokens('all-all-all-all-all: *', ['app'])
    const running = await startGateway({ databases: new Map([['app', new MemoryReplica()]]), tokens })
    expect((await fetch(`${running.url}/app/litetap/pages.map`)).status).toBe(401)
  })
})
