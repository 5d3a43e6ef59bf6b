import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { Exchange } from '../../gateway/exchange.ts'
import type { Feed, TxidEvent } from '../../gateway/feed.ts'
import { Subscribers } from '../../gateway/subscribers.ts'
import { formatTXID } from '../../ltx/index.ts'
import { MemoryReplica, withCounting } from '../../storage/node.ts'
import { ltxBytes, name, TIMESTAMP } from '../storage/ltx-bytes.ts'
import { altered } from '../support/altered-client.ts'
import { fill, liveDatabase, startGateway } from './support.ts'

interface Stream {
  readonly status: number
  /** All that came, as it came. */
  readonly text: () => string
  /** Ids in their order. */
  readonly ids: () => bigint[]
  readonly ended: Promise<void>
  leave(): void
}

/** An event stream, read as text: no parser of ours is trusted here. */
async function listen(url: string, headers: Record<string, string> = {}): Promise<Stream> {
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const reply = await fetch(`${url}/app/litetap/events`, { headers, signal: stop.signal })
  expect(reply.headers.get('content-type')).toBe('text/event-stream')
  let text = ''
  const read = async (): Promise<void> => {
    for await (const chunk of reply.body!) text += new TextDecoder().decode(chunk)
  }
  return {
    status: reply.status,
    text: () => text,
    ids: () => [...text.matchAll(/^id: ([0-9a-f]{16})$/gm)].map(([, id]) => BigInt(`0x${id}`)),
    ended: read().catch(() => {}),
    leave: () => stop.abort(),
  }
}

test('every transaction of a live database, in order, to all who listen', async () => {
  const live = await liveDatabase('CREATE TABLE t (id INTEGER PRIMARY KEY, x)')
  const { url } = await startGateway({ databases: new Map([['app', live.client()]]), checkIntervalMs: 10 })
  const first = live.replicator.durableTXID!
  const streams = await Promise.all([listen(url), listen(url)])
  await expect.poll(() => streams.map((stream) => stream.ids())).toEqual([[first], [first]])
  for (let i = 0; i < 25; i++) {
    live.app.prepare('INSERT INTO t (x) VALUES (?)').run(i)
    if (i % 3 === 0) await live.replicator.flush()
  }
  await live.replicator.flush()
  const made = live.durable.map(({ maxTXID }) => maxTXID)
  expect(made.length).toBeGreaterThan(8)
  for (const stream of streams) await expect.poll(() => stream.ids()).toEqual(made)
  const { maxTXID, createdAt } = live.durable.at(-1)!
  const id = formatTXID(maxTXID)
  expect(
    streams[0]!.text().endsWith(`event: txid\nid: ${id}\ndata: {"txid":"${id}","timestamp":${createdAt}}\n\n`),
  ).toBe(true)
})

test('Last-Event-ID: what is known is not told again, what is newer at once', async () => {
  const replica = new MemoryReplica()
  await fill(replica, 3)
  const { url } = await startGateway({ databases: new Map([['app', replica]]), checkIntervalMs: 10, keepAliveMs: 20 })
  const known = await listen(url, { 'last-event-id': formatTXID(3n) })
  const behind = await listen(url, { 'last-event-id': formatTXID(1n) })
  const nonsense = await listen(url, { 'last-event-id': 'x' })
  await expect.poll(() => [behind.ids(), nonsense.ids()]).toEqual([[3n], [3n]])
  await expect.poll(() => known.text()).toContain(': \n\n')
  expect(known.ids()).toEqual([])
  await replica.write(name(0, 4), ltxBytes({ min: 4, timestamp: TIMESTAMP }))
  await expect.poll(() => [known.ids(), behind.ids()]).toEqual([[4n], [3n, 4n]])
})

test('transactions that were compacted before they were seen: the last one', async () => {
  const replica = new MemoryReplica()
  await fill(replica, 1)
  const options = { checkIntervalMs: 10, listIntervalMs: 30 }
  const { url } = await startGateway({ databases: new Map([['app', replica]]), ...options })
  const stream = await listen(url)
  await expect.poll(() => stream.ids()).toEqual([1n])
  await replica.write(name(1, 1, 6), ltxBytes({ min: 1, max: 6 }))
  await expect.poll(() => stream.ids()).toEqual([1n, 6n])
  await replica.write(name(0, 7), ltxBytes({ min: 7 }))
  await expect.poll(() => stream.ids()).toEqual([1n, 6n, 7n])
})

test('an empty replica has nothing to announce, then its first transaction', async () => {
  const replica = new MemoryReplica()
  const { url } = await startGateway({ databases: new Map([['app', replica]]), checkIntervalMs: 10 })
  const stream = await listen(url)
  await fill(replica, 1)
  await expect.poll(() => stream.ids()).toEqual([1n])
})

test('the store is asked only while somebody listens, by one request a time for all', async () => {
  const replica = new MemoryReplica()
  await fill(replica, 1)
  const { client, counts } = withCounting(replica)
  const { url } = await startGateway({ databases: new Map([['app', client]]), checkIntervalMs: 20 })
  await delay(100)
  expect(counts.total).toBe(0)
  const streams = await Promise.all(Array.from({ length: 10 }, () => listen(url)))
  await expect.poll(() => streams.every((stream) => stream.ids().length === 1)).toBe(true)
  counts.reset()
  await delay(400)
  expect(counts.requests.list).toBe(0)
  expect(counts.requests.get).toBeGreaterThan(2)
  expect(counts.requests.get).toBeLessThanOrEqual(21)
  for (const stream of streams) stream.leave()
  await expect
    .poll(async () => (await (await fetch(`${url}/metrics`)).text()).match(/subscribers (\d+)/)?.[1])
    .toBe('0')
  await delay(50)
  counts.reset()
  await delay(200)
  expect(counts.total).toBe(0)
})

test('a store that fails for a while is asked again, and nothing is missed', async () => {
  const replica = new MemoryReplica()
  await fill(replica, 1)
  let broken = false
  const flaky = altered(replica, {
    open: async (file, options) => {
      if (broken) throw new Error('down')
      return await replica.open(file, options)
    },
  })
  const errors: unknown[] = []
  const { url } = await startGateway({
    databases: new Map([['app', flaky]]),
    checkIntervalMs: 10,
    onError: (error) => errors.push(error),
  })
  const stream = await listen(url)
  broken = true
  await expect.poll(() => errors.length).toBeGreaterThan(1)
  await fill(replica, 4)
  broken = false
  await expect.poll(() => stream.ids()).toEqual([1n, 2n, 3n, 4n])
})

/** An event stream on a real socket, of a feed that announces as told. */
async function fastFeed(keepAliveMs: number) {
  const listeners = new Set<(event: TxidEvent) => void>()
  let newest: TxidEvent = { txid: 1n, timestamp: 0 }
  const feed = {
    get newest() {
      return newest
    },
    refresh: async () => {},
    subscribe: (listener: (event: TxidEvent) => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  } as unknown as Feed
  const subscribers = new Subscribers(keepAliveMs)
  let reply: ServerResponse | undefined
  const server = createServer((request, response) => {
    reply = response
    void subscribers.serve(new Exchange(request, response, { headers: {}, idleTimeoutMs: 60_000 }), feed)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  onTestFinished(() => {
    socket.destroy()
    server.closeAllConnections()
    server.close()
  })
  socket.on('error', () => {})
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await new Promise((resolve) => socket.once('readable', resolve)) // and reads no more
  const announce = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      newest = { txid: newest.txid + 1n, timestamp: 0 }
      for (const listener of listeners) listener(newest)
      if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { socket, announce, subscribers, queued: () => reply!.writableLength, newest: () => newest.txid }
}

test('a reader that does not keep up is told the last one, and nothing piles up', async () => {
  const { socket, announce, queued, newest } = await fastFeed(60_000)
  let [most, text] = [0, '']
  for (let round = 0; round < 200; round++) {
    await announce(500)
    most = Math.max(most, queued())
  }
  expect(most).toBeGreaterThan(0) // the sockets are full
  expect(most).toBeLessThan(256 * 1024)
  socket.on('data', (chunk) => {
    text += chunk
  })
  await expect
    .poll(() =>
      text.endsWith(`id: ${formatTXID(newest())}\ndata: {"txid":"${formatTXID(newest())}","timestamp":0}\n\n\r\n`),
    )
    .toBe(true)
  const ids = [...text.matchAll(/^id: ([0-9a-f]{16})$/gm)].map(([, id]) => BigInt(`0x${id}`))
  expect(ids.every((id, i) => i === 0 || id > ids[i - 1]!)).toBe(true)
  expect(ids.length).toBeLessThan(100_000)
})

test('a reader that takes nothing is disconnected', async () => {
  const { announce, subscribers } = await fastFeed(50)
  expect(subscribers.count).toBe(1)
  await announce(100_000)
  await expect.poll(() => subscribers.count).toBe(0)
})

test('a gateway that stops ends the streams in good order', async () => {
  const replica = new MemoryReplica()
  await fill(replica, 1)
  const { url, gateway } = await startGateway({ databases: new Map([['app', replica]]), checkIntervalMs: 10 })
  const streams = await Promise.all([listen(url), listen(url)])
  await expect.poll(() => streams.map((stream) => stream.ids())).toEqual([[1n], [1n]])
  await gateway.close()
  await Promise.all(streams.map((stream) => stream.ended))
  await expect(fetch(`${url}/health`)).rejects.toThrow()
  await expect(replica.open(name(0, 1))).rejects.toMatchObject({ code: 'STORAGE_CLOSED' })
})
