import { DatabaseSync } from 'node:sqlite'
import { beforeAll, describe, expect, test } from 'vitest'
import { Encoder } from '../../ltx/index.ts'
import { PageCache, type PageStore, type StoredPage } from '../../pagecache/index.ts'
import { Account, newCost } from '../../replica/core/account.ts'
import { type Budget, type Cost, isReplicaError, type PinnedPages, Replica } from '../../replica/index.ts'
import { InFlightLimit } from '../../replica/pages/in-flight-limit.ts'
import { PageFetcher } from '../../replica/pages/page-fetcher.ts'
import type { PageLocation } from '../../replica/state/page-layer.ts'
import { RangeReader } from '../../replica/state/range-reader.ts'
import type { Snapshot } from '../../replica/state/snapshot.ts'
import { SourceFile } from '../../replica/state/source-file.ts'
import { memoryReplica, type ReplicaClient, StorageError, withCounting } from '../../storage/index.ts'
import { altered } from '../support/altered-client.ts'
import { ltxHeader } from '../support/ltx-header.ts'
import { seededRandom } from '../support/random.ts'

/** `LITETAP_SEEDS=5000 npx vitest run test/replica/shared-requests.test.ts`; one seed: `LITETAP_SEED=17`. */
const SEEDS = Number(process.env.LITETAP_SEEDS ?? 60)
const ONE = process.env.LITETAP_SEED

const PAGE_SIZE = 512
const written = memoryReplica()
let image: Uint8Array
let commit = 0

/** So many pages that the index of the file is read in parts. */
beforeAll(async () => {
  const db = new DatabaseSync(':memory:')
  db.exec(`PRAGMA page_size = ${PAGE_SIZE}; CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 24000)
    INSERT INTO t SELECT i, randomblob(380) FROM n`)
  image = new Uint8Array(db.serialize())
  db.close()
  commit = image.length / PAGE_SIZE
  const encoder = new Encoder(ltxHeader({ pageSize: PAGE_SIZE, commit, minTXID: 1n, maxTXID: 1n, timestamp: 1 }))
  for (let pgno = 1; pgno <= commit; pgno++) encoder.encodePage(pgno, pageOf(pgno))
  encoder.finish()
  await written.write({ level: 9, minTXID: 1n, maxTXID: 1n }, encoder.take())
})

function pageOf(pgno: number): Uint8Array {
  return image.subarray((pgno - 1) * PAGE_SIZE, pgno * PAGE_SIZE)
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** Answers come in any order; what is aborted ends. */
function delaying(random: () => number): ReplicaClient {
  const client = memoryReplica({ bucket: written.bucket })
  return altered(client, {
    open: async (file, options = {}) => {
      await turns(Math.floor(random() * 4))
      options.signal?.throwIfAborted()
      const stream = await client.open(file, options)
      return stream && slowly(stream, random, options.signal)
    },
  })
}

async function* slowly(stream: AsyncIterable<Uint8Array>, random: () => number, signal: AbortSignal | undefined) {
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length; ) {
      const size = 1 + Math.floor(random() * chunk.length)
      await turns(Math.floor(random() * 3))
      signal?.throwIfAborted()
      yield chunk.slice(at, at + size)
      at += size
    }
  }
}

class MemoryStore implements PageStore {
  readonly #pages = new Map<string, Uint8Array>()

  async read(file: string, pgnos: readonly number[]) {
    return pgnos.map((pgno) => this.#pages.get(`${file} ${pgno}`)?.slice())
  }

  write(file: string, pages: Iterable<StoredPage>): void {
    for (const [pgno, page] of pages) this.#pages.set(`${file} ${pgno}`, page.slice())
  }

  readBlob(): undefined {}
  writeBlob(): void {}
  async flush(): Promise<void> {}
  async close(): Promise<void> {}
}

interface Reader {
  readonly pages: PinnedPages
  readonly cost: Cost
  readonly budget: Budget
  readonly signal: AbortSignal | undefined
}

/** A few pages near one of some places that all readers share, one after the other. */
async function read({ pages, signal }: Reader, random: () => number): Promise<void> {
  for (let i = 0; i < 6; i++) {
    const place = 200 + Math.floor(random() * 4) * Math.floor(commit / 5)
    const start = place + Math.floor(random() * 10)
    for (let pgno = start; pgno < start + 1 + random() * 4; pgno++) {
      const page = pages.get(pgno) ?? (await pages.fetch(pgno, signal))
      if (Buffer.compare(page, pageOf(pgno)) !== 0) throw new Error(`Page ${pgno} is wrong`)
    }
  }
}

function drawBudget(random: () => number): Budget {
  const limit = Math.floor(random() * 6)
  const choice = random()
  if (choice < 0.4) return {}
  if (choice < 0.7) return { maxRequests: limit }
  if (choice < 0.9) return { maxBytes: limit * 9000 }
  return { maxRoundTrips: limit }
}

function expectWithin({ cost, budget }: Reader, seed: number): void {
  expect(cost.requests, `seed ${seed}`).toBeLessThanOrEqual(budget.maxRequests ?? Number.POSITIVE_INFINITY)
  expect(cost.bytes, `seed ${seed}`).toBeLessThanOrEqual(budget.maxBytes ?? Number.POSITIVE_INFINITY)
  expect(cost.roundTrips, `seed ${seed}`).toBeLessThanOrEqual(budget.maxRoundTrips ?? Number.POSITIVE_INFINITY)
}

async function run(seed: number): Promise<{ refused: number; shared: number; aborted: number }> {
  const random = seededRandom(seed)
  const { client: counted, counts } = withCounting(delaying(random))
  const cache = new PageCache({ maxBytes: random() < 0.3 ? 40 * PAGE_SIZE : 4 * 1024 * 1024 })
  const store = random() < 0.4 ? new MemoryStore() : undefined
  const replica = await Replica.open(counted, { cache, ...(store && { store }), maxInFlight: random() < 0.5 ? 2 : 16 })
  const result = { refused: 0, shared: 0, aborted: 0 }
  const opening = replica.cost.requests
  const abort = new AbortController()
  const hydrating = store && random() < 0.5 ? replica.hydrate({ signal: abort.signal }) : undefined
  const hydrated = hydrating?.then(
    () => undefined,
    (error) => error,
  )
  const costs: Cost[] = []
  const reading = Array.from({ length: 2 + Math.floor(random() * 5) }, async (_, i) => {
    const cost = newCost()
    costs.push(cost)
    const budget = drawBudget(random)
    const ending = random() < 0.2 ? new AbortController() : undefined
    const reader = { pages: replica.pin(replica.state, { cost, budget }), cost, budget, signal: ending?.signal }
    if (ending) void turns(Math.floor(random() * 60)).then(() => ending.abort(new Error('Enough')))
    await turns(Math.floor(random() * i * 3))
    try {
      await read(reader, random)
    } catch (error) {
      if (isReplicaError(error, 'REPLICA_BUDGET') && Object.keys(budget).length > 0) result.refused++
      else if ((error as Error).message === 'Enough') result.aborted++
      else throw new Error(`Seed ${seed}, budget ${JSON.stringify(budget)}: ${error}`, { cause: error })
    }
    expectWithin(reader, seed)
  })
  await Promise.all(reading)
  abort.abort(new Error('Enough'))
  const failure = await hydrated
  if (failure !== undefined && failure.message !== 'Enough')
    throw new Error(`Seed ${seed}: ${failure}`, { cause: failure })
  await turns(40) // what was read ahead
  expect(replica.cost.requests, `seed ${seed}`).toBe(counts.total)
  expect(replica.cost.bytes, `seed ${seed}`).toBe(counts.bytesIn)
  const together = costs.reduce((sum, cost) => sum + cost.requests, 0)
  result.shared = hydrating ? 0 : together - (counts.total - opening)
  await replica.close()
  return result
}

describe('queries of which some may cost little, on pages that they share', () => {
  const seeds = ONE === undefined ? Array.from({ length: SEEDS }, (_, i) => i + 1) : [Number(ONE)]
  test(`each is refused for its own budget alone, and a request counts once: ${seeds.length} seeds`, async () => {
    const all = { refused: 0, shared: 0, aborted: 0 }
    for (const seed of seeds) {
      const result = await run(seed)
      all.refused += result.refused
      all.shared += Math.max(0, result.shared)
      all.aborted += result.aborted
    }
    if (ONE !== undefined) return
    expect(all.refused).toBeGreaterThan(seeds.length / 2)
    expect(all.shared).toBeGreaterThan(seeds.length)
    expect(all.aborted).toBeGreaterThan(seeds.length / 10)
  }, 600_000)
})

function sourceIn(cache: PageCache, { file }: PageLocation): SourceFile {
  return new SourceFile(file.info, file.checksum, cache)
}

/** A replica whose answers are held back until they are let go, and the requests that are under way. */
async function held(): Promise<{ replica: Replica; requests: AbortSignal[]; letGo: () => void }> {
  const requests: AbortSignal[] = []
  let hold = Promise.withResolvers<void>()
  hold.resolve()
  const client = memoryReplica({ bucket: written.bucket })
  const holding = altered(client, {
    open: async (file, options = {}) => {
      if (options.signal) requests.push(options.signal)
      await hold.promise
      options.signal?.throwIfAborted()
      return await client.open(file, options)
    },
  })
  const replica = await Replica.open(holding)
  const pgnos = [300, 9000]
  const pages = replica.pin(replica.state)
  for (const pgno of pgnos) await pages.fetch(pgno) // now it is known where pages are
  requests.length = 0
  hold = Promise.withResolvers<void>()
  return { replica, requests, letGo: () => hold.resolve() }
}

describe('one request, several that wait for it', () => {
  test('who joins pays for its own page, not for what only others want', async () => {
    const { replica, requests, letGo } = await held()
    const [first, second] = [newCost(), newCost()]
    const total = { ...replica.cost }
    const scan = replica.pin(replica.state, { cost: first })
    const long = [500, 501, 502, 503].map((pgno) => scan.fetch(pgno))
    const joined = replica.pin(replica.state, { cost: second, budget: { maxRequests: 1, maxBytes: 1000 } }).fetch(501)
    letGo()
    await Promise.all([...long, joined])
    expect(second).toMatchObject({ requests: 1 })
    expect(second.bytes).toBeGreaterThan(300)
    expect(second.bytes).toBeLessThan(1000)
    expect(replica.cost.requests - total.requests).toBe(requests.length)
    expect(replica.cost.bytes - total.bytes).toBe(first.bytes)
    await replica.close()
  })

  test('who may not join hears of it at once, and the others get the page', async () => {
    const { replica, letGo } = await held()
    const scan = replica.pin(replica.state).fetch(500)
    const poor = replica.pin(replica.state, { budget: { maxBytes: 10 } })
    await expect(poor.fetch(500)).rejects.toMatchObject({ code: 'REPLICA_BUDGET' })
    letGo()
    expect(Buffer.compare(await scan, pageOf(500))).toBe(0)
    await replica.close()
  })

  test('an abort ends one wait; the request ends when nobody waits any more', async () => {
    const { replica, requests, letGo } = await held()
    const [first, second] = [new AbortController(), new AbortController()]
    const one = replica.pin(replica.state).fetch(500, first.signal)
    const other = replica.pin(replica.state).fetch(500, second.signal)
    first.abort(new Error('one'))
    await expect(one).rejects.toThrow('one')
    expect(requests.map(({ aborted }) => aborted)).toEqual([false])
    second.abort(new Error('other'))
    await expect(other).rejects.toThrow('other')
    expect(requests.map(({ aborted }) => aborted)).toEqual([true])
    const again = replica.pin(replica.state).fetch(500)
    letGo()
    expect(Buffer.compare(await again, pageOf(500))).toBe(0)
    expect(requests).toHaveLength(2)
    await replica.close()
  })

  test('bytes that are on their way count against a budget', async () => {
    const { replica, letGo } = await held()
    const cost = newCost()
    const pages = replica.pin(replica.state, { cost, budget: { maxBytes: 700 } })
    const first = pages.fetch(500)
    await expect(pages.fetch(9010)).rejects.toMatchObject({ code: 'REPLICA_BUDGET' })
    await expect(pages.fetch(501)).rejects.toMatchObject({ code: 'REPLICA_BUDGET' })
    letGo()
    expect(Buffer.compare(await first, pageOf(500))).toBe(0)
    expect(cost.bytes).toBeLessThanOrEqual(700)
    await replica.close()
  })

  test('what hydration needs comes though the reader that asked for it has left', async () => {
    const { replica, requests, letGo } = await held()
    const { signal } = new AbortController()
    const location = (replica.state as Snapshot).locate(500) as PageLocation
    const holding = altered(memoryReplica({ bucket: written.bucket }), {
      open: async (file, options = {}) => {
        if (options.signal) requests.push(options.signal)
        await released
        options.signal?.throwIfAborted()
        return await memoryReplica({ bucket: written.bucket }).open(file, options)
      },
    })
    const released = new Promise<void>((resolve) => setTimeout(resolve, 20))
    const [cache, limit] = [new PageCache(), new InFlightLimit(4, 4)]
    const fetcher = new PageFetcher({ reader: new RangeReader(holding), cache, limit, now: Date.now, signal })
    const wanted = { pgno: 500, location: { ...location, file: sourceIn(cache, location) } }
    const [reader, hydrator] = [new Account([newCost()]), new Account([newCost()])]
    const leaving = new AbortController()
    const reading = fetcher.fetch(wanted, { pageSize: PAGE_SIZE, account: reader }, leaving.signal)
    fetcher.start([wanted], { pageSize: PAGE_SIZE, account: hydrator, storeOnly: true })
    leaving.abort(new Error('left'))
    await expect(reading).rejects.toThrow('left')
    expect(requests.map(({ aborted }) => aborted)).toEqual([false])
    expect(await fetcher.arrival(wanted)).toEqual({})
    fetcher.start([{ ...wanted, pgno: 501 }], { pageSize: PAGE_SIZE, account: hydrator, storeOnly: true })
    fetcher.withdraw([{ ...wanted, pgno: 501 }], hydrator)
    expect(requests.map(({ aborted }) => aborted)).toEqual([false, true])
    letGo()
    await replica.close()
  })

  test('what was promised for a part of an index that did not come is not owed', async () => {
    const inner = memoryReplica({ bucket: written.bucket })
    let failing = false
    const client = altered(inner, {
      open: async (file, options) => {
        if (failing) throw new StorageError('STORAGE_UNREACHABLE', 'no route to host')
        return await inner.open(file, options)
      },
    })
    const replica = await Replica.open(client)
    const cost = newCost()
    const pgno = Math.floor(commit / 2)
    await replica.pin(replica.state, { cost }).fetch(pgno + 3000) // what such a page takes, its index included
    const pages = replica.pin(replica.state, { budget: { maxBytes: cost.bytes * 3 } })
    failing = true
    for (let i = 0; i < 9; i++) await expect(pages.fetch(pgno)).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE' })
    failing = false
    expect(Buffer.compare(await pages.fetch(pgno), pageOf(pgno))).toBe(0)
    await replica.close()
  })

  test('a part of an index, too: each pays for itself, and it ends with the last that waits', async () => {
    const { replica, requests, letGo } = await held()
    const pgno = Math.floor(commit / 2)
    const poor = replica.pin(replica.state, { budget: { maxRequests: 0 } })
    await expect(poor.fetch(pgno)).rejects.toMatchObject({ code: 'REPLICA_BUDGET' })
    expect(requests).toHaveLength(0)
    const [first, second] = [new AbortController(), new AbortController()]
    const one = replica.pin(replica.state, { budget: { maxRequests: 1 } }).fetch(pgno, first.signal)
    const other = replica.pin(replica.state).fetch(pgno, second.signal)
    await expect(poor.fetch(pgno)).rejects.toMatchObject({ code: 'REPLICA_BUDGET' })
    expect(requests).toHaveLength(1)
    first.abort(new Error('one'))
    await expect(one).rejects.toThrow('one')
    expect(requests[0]!.aborted).toBe(false)
    second.abort(new Error('other'))
    await expect(other).rejects.toThrow('other')
    expect(requests[0]!.aborted).toBe(true)
    const cost = newCost()
    const again = replica.pin(replica.state, { cost }).fetch(pgno)
    letGo()
    expect(Buffer.compare(await again, pageOf(pgno))).toBe(0)
    expect(cost.requests).toBe(2)
    await replica.close()
  })
})
