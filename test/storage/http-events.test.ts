import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { HttpConnection } from '../../storage/http/connection.ts'
import { EventParser } from '../../storage/http/event-parser.ts'
import { openHttp, watchEvents } from '../../storage/http/index.ts'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('EventParser', () => {
  const events = (text: string) => new EventParser().push(encode(text)).map(({ type, data, id }) => [type, data, id])

  test.each([
    ['data: a\n\n', [['message', 'a', '']]],
    ['event: txid\nid: 7\ndata: {"x":1}\n\n', [['txid', '{"x":1}', '7']]],
    ['data: a\ndata:b\ndata:  c\n\n', [['message', 'a\nb\n c', '']]],
    [': comment\n\ndata\n\n', [['message', '', '']]],
    [
      'id: 1\n\ndata: a\n\nid\ndata: b\n\n',
      [
        ['message', 'a', '1'],
        ['message', 'b', ''],
      ],
    ],
    ['id: a\0b\ndata: a\n\n', [['message', 'a', '']]],
    [
      '\uFEFFdata: a\r\n\r\ndata: b\r\rdata: c\n\n',
      [
        ['message', 'a', ''],
        ['message', 'b', ''],
        ['message', 'c', ''],
      ],
    ],
    ['retry: 10\nunknown: x\ndata: a:b: c\n\n', [['message', 'a:b: c', '']]],
    ['event: lost\n\ndata: a\n\n', [['message', 'a', '']]],
    ['data: never ended\n', []],
  ])('%j', (text, expected) => expect(events(text)).toEqual(expected))

  test('in whatever pieces it comes', () => {
    const text = 'event: txid\r\nid: 7\r\ndata: süß\r\n\r\n: x\n\ndata: b\rdata: c\r\r\ndata: d\n\n'
    const whole = new EventParser().push(encode(text))
    const cuts = fc.array(fc.nat(encode(text).length), { maxLength: 8 })
    fc.assert(
      fc.property(cuts, (at) => {
        const parser = new EventParser()
        const places = [0, ...at.sort((a, b) => a - b), encode(text).length]
        const parts = places.slice(1).flatMap((end, i) => parser.push(encode(text).subarray(places[i], end)))
        expect(parts).toEqual(whole)
      }),
      { seed: 11 },
    )
  })

  test('a line without an end is no event stream', () => {
    const parser = new EventParser()
    expect(() => {
      for (let i = 0; i < 100; i++) parser.push(encode('x'.repeat(1000)))
    }).toThrow(RangeError)
  })
})

interface Server {
  readonly url: string
  readonly requests: IncomingMessage[]
  readonly open: Set<ServerResponse>
}

/** A server whose answers are told one after the other; the last one stands. */
async function startServer(...answers: ((reply: ServerResponse) => void)[]): Promise<Server> {
  const requests: IncomingMessage[] = []
  const open = new Set<ServerResponse>()
  const server = createServer((request, reply) => {
    requests.push(request)
    open.add(reply)
    reply.on('close', () => open.delete(reply))
    answers[Math.min(requests.length, answers.length) - 1]!(reply)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}`, requests, open }
}

const stream = (text: string) => (reply: ServerResponse) => {
  reply.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
  reply.write(text)
}
const event = (id: number): string => `event: txid\nid: ${id}\ndata: {}\n\n`
const FAST = { baseMs: 5, maxMs: 20, random: () => 0 }

function watching(url: string, options = {}, headers = {}) {
  let changes = 0
  const connection = new HttpConnection({ root: new URL(url), shown: url }, { headers })
  const watch = watchEvents(
    connection,
    () => {
      changes += 1
    },
    { ...FAST, ...options },
  )
  onTestFinished(() => watch.close())
  return { watch, changes: () => changes }
}

describe('watchEvents', () => {
  test('is told of the connection and of each event; live from then on; closing ends the request', async () => {
    const server = await startServer(stream(`: hi\n\n${event(1)}${event(2)}event: other\ndata: x\n\n`))
    const { watch, changes } = watching(`${server.url}/app`, {}, { authorization: 'Bearer x' })
    expect(watch.live).toBe(false)
    await expect.poll(() => [watch.live, changes()]).toEqual([true, 3])
    expect(server.requests[0]!.url).toBe('/app/litetap/events')
    expect(server.requests[0]!.headers).toMatchObject({ accept: 'text/event-stream', authorization: 'Bearer x' })
    for (const reply of server.open) reply.write(event(3))
    await expect.poll(changes).toBe(4)
    watch.close()
    await expect.poll(() => server.open.size).toBe(0)
    expect(watch.live).toBe(false)
    expect(server.requests).toHaveLength(1)
  })

  test('a lost stream is taken up where it ended, one at a time', async () => {
    const breaking = (id: number) => (reply: ServerResponse) => {
      stream(event(id))(reply)
      setTimeout(() => reply.destroy(), 10)
    }
    const server = await startServer(
      breaking(1),
      breaking(2),
      (reply) => {
        stream(event(3))(reply)
        setTimeout(() => reply.end(), 10)
      },
      stream(''),
    )
    const { watch, changes } = watching(server.url)
    await expect.poll(() => server.requests.length).toBe(4)
    await expect.poll(() => watch.live).toBe(true)
    expect(changes()).toBe(4 + 3)
    expect(server.requests.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1', '2', '3'])
    expect(server.open.size).toBe(1)
  })

  test.each([404, 401, 500, 503, 200, 204])(
    'a server that answers %i is asked again, and not live until it has events',
    async (status) => {
      let ready = false
      const server = await startServer((reply) => {
        if (ready) return stream(event(1))(reply)
        reply.writeHead(status, { 'content-type': 'text/html' })
        reply.end(status === 204 ? undefined : 'no')
      })
      const { watch, changes } = watching(server.url)
      await expect.poll(() => server.requests.length).toBeGreaterThan(2)
      expect([watch.live, changes()]).toEqual([false, 0])
      ready = true
      await expect.poll(() => watch.live).toBe(true)
    },
  )

  test('silence is taken for a loss', async () => {
    const server = await startServer(stream(''), stream(event(1)))
    const { changes } = watching(server.url, { silenceMs: 50 })
    await expect.poll(() => server.requests.length).toBeGreaterThan(1)
    expect(changes()).toBeGreaterThan(1)
    await expect.poll(() => server.open.size).toBeLessThanOrEqual(1)
  })

  test('pauses double while nothing answers', async () => {
    const server = await startServer((reply) => reply.destroy())
    const { watch } = watching(server.url, { baseMs: 20, maxMs: 10_000 })
    await new Promise((resolve) => setTimeout(resolve, 500))
    watch.close()
    // At half of 20, 40, 80, ...: six by then, where an unchanged pause would have made fifty.
    expect(server.requests.length).toBeGreaterThan(2)
    expect(server.requests.length).toBeLessThan(10)
  })
})

test('HttpReplica: with `events` only, and ended with the client', async () => {
  const server = await startServer(stream(event(1)))
  expect((await openHttp(server.url)).watch).toBeUndefined()
  const replica = await openHttp(server.url, { events: true })
  const watch = replica.watch!(() => {})
  await expect.poll(() => watch.live).toBe(true)
  await replica.close()
  await expect.poll(() => server.open.size).toBe(0)
})
