import { beforeAll, expect, test } from 'vitest'
import { Decoder, Encoder, HEADER_FLAG_NO_CHECKSUM } from '../../ltx/index.ts'
import { PageCache } from '../../pagecache/index.ts'
import { Account, newCost } from '../../replica/core/account.ts'
import { InFlightLimit } from '../../replica/pages/in-flight-limit.ts'
import { PageFetcher } from '../../replica/pages/page-fetcher.ts'
import type { WantedPage } from '../../replica/pages/plan-fetch.ts'
import { RangeReader } from '../../replica/state/range-reader.ts'
import { SourceFile } from '../../replica/state/source-file.ts'
import { memoryReplica } from '../../storage/index.ts'
import { altered } from '../support/altered-client.ts'
import { ltxHeader } from '../support/ltx-header.ts'

// Which requests are sent, in which order: two at a time, each answered when the test says so.

const PAGE_SIZE = 4096
const COMMIT = 400
const written = memoryReplica()
const places = new Map<number, { readonly offset: number; readonly size: number }>()

/** The bytes of a page: they do not get shorter by compression. */
function pageOf(pgno: number): Uint8Array {
  const page = new Uint8Array(PAGE_SIZE)
  let state = pgno * 2654435761
  for (let i = 0; i < PAGE_SIZE; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    page[i] = state >>> 24
  }
  return page
}

beforeAll(async () => {
  for (const txid of [1n, 2n]) {
    const about = { pageSize: PAGE_SIZE, commit: COMMIT, minTXID: txid, maxTXID: txid, timestamp: 1 }
    const encoder = new Encoder({ ...ltxHeader(about), flags: HEADER_FLAG_NO_CHECKSUM })
    for (let pgno = 1; pgno <= COMMIT; pgno++) encoder.encodePage(pgno, pageOf(pgno))
    encoder.finish()
    const bytes = encoder.take()
    await written.write({ level: 1, minTXID: txid, maxTXID: txid }, bytes)
    const decoder = new Decoder({ key: 'x' })
    decoder.push(bytes)
    while (typeof decoder.nextPage() === 'object');
    decoder.end()
    for (const { pgno, offset, size } of decoder.pageIndex) places.set(pgno, { offset, size })
  }
})

/** A fetcher, and what has been sent and not been answered: the page numbers at its start and end. */
function scene({ limit = 2 } = {}) {
  const sent: { readonly name: string; readonly signal: AbortSignal | undefined; answer(): void }[] = []
  const order: string[] = []
  const client = altered(memoryReplica({ bucket: written.bucket }), {
    open: async (file, options = {}) => {
      const { offset = 0, size = 0, signal } = options
      const pgnoAt = (at: number) =>
        [...places].find(([, place]) => place.offset <= at && at < place.offset + place.size)?.[0]
      const name = `${file.minTXID}: ${pgnoAt(offset)}-${pgnoAt(offset + size - 1)}`
      order.push(name)
      const answered = Promise.withResolvers<void>()
      signal?.addEventListener('abort', () => answered.reject(signal.reason), { once: true })
      sent.push({ name, signal, answer: answered.resolve })
      await answered.promise
      return await written.open(file, { offset, size })
    },
  })
  const cache = new PageCache()
  const closing = new AbortController()
  const files = [1n, 2n].map((txid) => {
    return new SourceFile(
      { level: 1, minTXID: txid, maxTXID: txid, size: COMMIT * PAGE_SIZE, createdAt: 1 },
      txid,
      cache,
    )
  })
  const fetcher = new PageFetcher({
    reader: new RangeReader(client),
    cache,
    limit: new InFlightLimit(limit, limit),
    now: Date.now,
    signal: closing.signal,
  })
  const page = (pgno: number, file = 0): WantedPage => ({
    pgno,
    location: { file: files[file]!, ...places.get(pgno)! },
  })
  const pages = (...pgnos: number[]): WantedPage[] => pgnos.map((pgno) => page(pgno))
  const account = () => ({ pageSize: PAGE_SIZE, account: new Account([newCost()]) })
  /** Answer a request and let what follows from it happen. */
  const answer = async (name: string): Promise<void> => {
    const at = sent.findIndex((request) => request.name === name)
    if (at < 0) throw new Error(`${name} has not been sent: ${order.join(', ')}`)
    sent.splice(at, 1)[0]!.answer()
    await settled()
  }
  return { fetcher, sent, order, page, pages, account, answer, closing }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
}

test('what somebody waits for is sent before what was asked for ahead of time', async () => {
  const { fetcher, order, page, pages, account, answer } = scene()
  fetcher.start(pages(10, 60, 110, 160), account())
  await settled()
  expect(order).toEqual(['1: 10-10', '1: 60-60'])
  const waited = fetcher.fetch(page(210), account())
  await settled()
  expect(order).toHaveLength(2) // two at a time
  await answer('1: 10-10')
  expect(order.slice(2)).toEqual(['1: 210-210'])
  await answer('1: 210-210')
  expect(await waited).toEqual(pageOf(210))
  expect(order.slice(3)).toEqual(['1: 110-110'])
})

test('what was asked for ahead of time is sent earlier when somebody comes to wait for it', async () => {
  const { fetcher, order, page, pages, account, answer } = scene()
  fetcher.start(pages(10, 60, 110, 160, 210), account())
  const first = fetcher.fetch(page(210), account())
  const again = fetcher.fetch(page(210), account())
  await settled()
  await answer('1: 60-60')
  expect(order.slice(2)).toEqual(['1: 210-210'])
  await answer('1: 210-210')
  expect(await first).toEqual(pageOf(210))
  expect(await again).toBe(await first)
  expect(order.slice(3)).toEqual(['1: 110-110'])
})

test('what waits for its turn becomes part of fewer requests, for the same reader and file', async () => {
  const { fetcher, order, page, pages, account, answer } = scene()
  const one = account()
  fetcher.start(pages(10, 60), one)
  fetcher.start(pages(110, 113), one)
  fetcher.start(pages(116), account())
  fetcher.start([page(119, 1)], one)
  fetcher.start(pages(111, 115), one)
  await settled()
  for (const name of ['1: 10-10', '1: 60-60']) await answer(name)
  expect(order.slice(2)).toEqual(['1: 110-115', '1: 116-116'])
  await answer('1: 116-116')
  expect(order.slice(4)).toEqual(['2: 119-119'])
})

test('what comes back to be planned anew keeps its turn', async () => {
  const { fetcher, order, pages, account, answer } = scene()
  const one = account()
  fetcher.start(pages(10, 60), one)
  fetcher.start(pages(110), one)
  await new Promise((resolve) => setTimeout(resolve, 5))
  fetcher.start(pages(210), account())
  await new Promise((resolve) => setTimeout(resolve, 5))
  fetcher.start(pages(112), one)
  await settled()
  await answer('1: 10-10')
  expect(order.slice(2)).toEqual(['1: 110-112'])
})

test('what somebody waits for is not held up by being planned anew', async () => {
  const { fetcher, order, page, pages, account, answer } = scene()
  const one = account()
  fetcher.start(pages(10, 60, 110), one)
  const waited = fetcher.fetch(page(110), account())
  fetcher.start(pages(112), one)
  await settled()
  await answer('1: 10-10')
  await answer('1: 60-60')
  expect(order.slice(2)).toEqual(['1: 110-110', '1: 112-112'])
  await answer('1: 110-110')
  expect(await waited).toEqual(pageOf(110))
})

test('a page that is not needed any more is left out, and a request for nothing else is ended or not sent', async () => {
  const { fetcher, sent, order, pages, account, answer } = scene()
  const one = account()
  fetcher.start(pages(10, 60, 110, 113, 160), one)
  await settled()
  fetcher.withdraw(pages(10, 113, 160), one.account)
  await settled()
  expect(sent.find(({ name }) => name === '1: 10-10')!.signal?.aborted).toBe(true)
  expect(order.slice(2)).toEqual(['1: 110-110'])
  expect(fetcher.has(pages(160)[0]!)).toBe(false)
  expect(fetcher.has(pages(60)[0]!)).toBe(true)
  await answer('1: 60-60')
  expect(fetcher.has(pages(60)[0]!)).toBe(true)
  expect(order).toHaveLength(3)
})

test('another one who needs the page keeps it coming', async () => {
  const { fetcher, sent, page, pages, account, answer } = scene()
  const one = account()
  fetcher.start(pages(10), one)
  const waited = fetcher.fetch(page(10), account())
  await settled()
  fetcher.withdraw(pages(10), one.account)
  expect(sent[0]!.signal?.aborted).toBe(false)
  await answer('1: 10-10')
  expect(await waited).toEqual(pageOf(10))
})

test('who waits is counted; when nobody does, the time of the last one is known', async () => {
  const { fetcher, page, pages, account, answer } = scene()
  expect([fetcher.waiting, fetcher.waitedAt]).toEqual([0, 0])
  fetcher.start(pages(60), account())
  expect(fetcher.waiting).toBe(0)
  const waited = fetcher.fetch(page(10), account())
  await settled()
  expect(fetcher.waiting).toBe(1)
  const before = Date.now()
  await answer('1: 10-10')
  await waited
  expect(fetcher.waiting).toBe(0)
  expect(fetcher.waitedAt).toBeGreaterThanOrEqual(before)
  expect(fetcher.waitedAt).toBeLessThanOrEqual(Date.now())
})

test('the end ends what is under way and what waits for its turn', async () => {
  const { fetcher, sent, order, page, account, closing } = scene()
  const all = [10, 60, 110].map((pgno) => fetcher.fetch(page(pgno), account()))
  await settled()
  closing.abort(new Error('closed'))
  for (const waited of all) await expect(waited).rejects.toThrow('closed')
  expect(sent.every(({ signal }) => signal?.aborted)).toBe(true)
  expect(order).toHaveLength(2)
  await expect(fetcher.fetch(page(210), account())).rejects.toThrow('closed')
})
