import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { Agent, get as httpGet } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { peakResidentBytes, resetPeakResidentBytes } from '../../bench/support/proc.ts'
import { FileReplica } from '../../storage/file/index.ts'
import { MemoryReplica, withCounting } from '../../storage/node.ts'
import { ltxBytes, name } from '../storage/ltx-bytes.ts'
import { altered } from '../support/altered-client.ts'
import { seededRandom } from '../support/random.ts'
import { tempDir } from '../support/temp-dir.ts'
import { CANARY, canaryReplica, fill, l0, raw, startGateway, statuses } from './support.ts'

const MiB = 1024 * 1024
const FILE = '0000000000000001-0000000000000001.ltx'

describe('nothing but files of a database is ever sent', () => {
  const targets = [
    '/canary',
    '/app/canary',
    '/app/ltx/canary',
    '/app/ltx/0/canary',
    '/app/ltx/0/canary.ltx',
    '/app/ltx/0/.canary',
    `/app/ltx/0/${FILE}.bak`,
    '/app/ltx/0/000000000000000A-000000000000000A.ltx',
    `/app/ltx/10/${FILE}`,
    `/app/ltx/01/${FILE}`,
    `/app/ltx/0/../10/${FILE}`,
    `/app/ltx/../../other/ltx/0/${FILE}`,
    `/app/../other/ltx/0/${FILE}`,
    `/../other/ltx/0/${FILE}`,
    `/other/ltx/0/${FILE}`,
    `/app/..%2fother/ltx/0/${FILE}`,
    `/%2e%2e/other/ltx/0/${FILE}`,
    `/app/%2e%2e/canary`,
    `/app%2f..%2f..%2fcanary`,
    '/app/ltx/0/%2e%2e/%2e%2e/canary',
    '/app/ltx/0/..%2f..%2fcanary',
    '/app/ltx/0/..%5c..%5ccanary',
    '/app/ltx/0/..\\..\\canary',
    '/app/ltx/0/..%252f..%252fcanary',
    '/app/ltx/0/%c0%ae%c0%ae/canary',
    `/app/ltx/0/${FILE}%00.ltx`,
    '/app/ltx/0/canary%00.ltx',
    '/app/lock/canary.json',
    '/app/litetap/canary.json',
    '/app/litetap/../canary',
    '//app/ltx/0/canary',
    '//canary',
    '/app//ltx/0/canary',
    '/app/./canary',
    '/app/ltx/0/canary;x=1',
    '/./app/canary',
    'canary',
    '../canary',
    'http://127.0.0.1/app/canary',
    `http://127.0.0.1/app/ltx/0/${FILE}`,
    'file:///app/canary',
    '*',
    '/etc/passwd',
    '/proc/self/environ',
    '/app/ltx/0//etc/passwd',
    '/__proto__/ltx/0/canary',
    `/constructor/ltx/0/${FILE}`,
    '/app?/../canary',
    '/app#/canary',
  ]

  test('whatever the path', async () => {
    const { client } = canaryReplica()
    const [bytes] = await fill(client(), 1, 1000)
    const { client: counted, counts } = withCounting(client())
    const { port } = await startGateway({ databases: new Map([['app', counted]]) })
    const ask = (method: string, target: string) =>
      raw(port, `${method} ${target} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`)
    for (const target of targets) {
      const reply = await ask('GET', target)
      expect([target, statuses(reply)]).toEqual([target, [expect.toBeOneOf([400, 404])]])
      expect(reply).not.toContain(CANARY)
      expect(reply).not.toContain('root:')
      expect(await ask('HEAD', target)).not.toContain(CANARY)
    }
    expect(counts.total).toBe(0)
    // And the one that is there is sent: the table is not about a gateway that sends nothing.
    expect(await ask('GET', l0(1))).toContain(Buffer.from(bytes!).toString('latin1'))
    expect(await ask('GET', '/app/litetap/catalog.json')).not.toContain(CANARY)
  })

  test('whatever the path, at random (seed 5)', async () => {
    const { client } = canaryReplica()
    await fill(client(), 1, 1000)
    const { client: counted, counts } = withCounting(client())
    const { port } = await startGateway({ databases: new Map([['app', counted]]) })
    const random = seededRandom(5)
    const parts = [
      '/',
      '..',
      '.',
      'app',
      'other',
      'ltx',
      '0',
      '9',
      'canary',
      FILE,
      '%2f',
      '%2e',
      '%00',
      '\\',
      '?',
      '%',
      'litetap',
    ]
    const target = () =>
      `/${Array.from({ length: 1 + Math.floor(random() * 8) }, () => parts[Math.floor(random() * parts.length)]).join('')}`
    for (let round = 0; round < 40; round++) {
      const asked = Array.from({ length: 50 }, target).filter((path) => path.split('?')[0] !== l0(1))
      const requests = asked.map((path) => `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`)
      const last = 'GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n'
      const reply = await raw(port, requests.join('') + last)
      expect(reply).not.toContain(CANARY)
      const allowed = asked.some((path) => path.startsWith('/?') || path === '/') ? [200, 400, 404] : [400, 404]
      for (const status of statuses(reply).slice(0, -1)) expect(allowed).toContain(status)
    }
    expect(counts.total).toBe(0)
  })
})

describe('what is no proper HTTP', () => {
  const host = 'host: 127.0.0.1\r\n'
  const get = `GET ${l0(1)} HTTP/1.1\r\n${host}`
  const hidden = `GET /health HTTP/1.1\r\n${host}\r\n`

  test.each([
    ['a length and chunks', `${get}content-length: 6\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`],
    ['two lengths', `${get}content-length: 5\r\ncontent-length: 6\r\n\r\nhello${hidden}`],
    ['chunks, spelled oddly', `${get}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n${hidden}`],
    ['chunks, twice', `${get}transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n${hidden}`],
    ['chunks', `${get}transfer-encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`],
    ['a space before a colon', `${get}content-length : 5\r\n\r\nhello${hidden}`],
    ['a folded header', `${get}x: a\r\n content-length: 5\r\n\r\nhello${hidden}`],
    ['a negative length', `${get}content-length: -1\r\n\r\n${hidden}`],
    ['a NUL in a header', `${get}x: \0\r\n\r\n${hidden}`],
    ['a NUL in the path', `GET /app/\0 HTTP/1.1\r\n${host}\r\n${hidden}`],
    ['a space in the path', `GET /app/x y HTTP/1.1\r\n${host}\r\n${hidden}`],
    ['no host', `GET ${l0(1)} HTTP/1.1\r\n\r\n${hidden}`],
    ['two hosts', `GET ${l0(1)} HTTP/1.1\r\n${host}host: evil\r\n\r\n`],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['nonsense', 'hello\r\n\r\n'],
  ])('%s: refused, and what is hidden behind it is not answered', async (_, text) => {
    const { client } = canaryReplica()
    await fill(client(), 1, 1000)
    const { client: counted, counts } = withCounting(client())
    const { port, url } = await startGateway({ databases: new Map([['app', counted]]) })
    const reply = await raw(port, text)
    expect(statuses(reply)).toEqual([expect.toBeOneOf([400, 403, 405, 417, 501, 505])])
    expect(counts.total).toBe(0)
    expect((await fetch(`${url}/health`)).status).toBe(200)
  })

  test('garbage behind a request does not get into its reply', async () => {
    const { client } = canaryReplica()
    const [bytes] = await fill(client(), 1, 32 * MiB)
    const { port } = await startGateway({ databases: new Map([['app', client()]]) })
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(`${get}\r\n`)
    await new Promise((resolve) => socket.once('readable', resolve)) // the reply has begun, and waits for its reader
    socket.write('\0\0garbage\r\n\r\n')
    await delay(100)
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    await new Promise((resolve) => socket.once('close', resolve))
    const reply = Buffer.concat(chunks)
    const body = reply.subarray(reply.indexOf('\r\n\r\n') + 4)
    expect(body.length).toBeGreaterThan(0)
    expect(body.equals(bytes!.subarray(0, body.length))).toBe(true)
  })

  test('a request that never ends is given up', async () => {
    const { client } = canaryReplica()
    const { port } = await startGateway({ databases: new Map([['app', client()]]), limits: { requestTimeoutMs: 200 } })
    for (const text of ['GET / HT', `GET / HTTP/1.1\r\n${host}x: `]) {
      const socket = connect(port, '127.0.0.1')
      let reply = ''
      socket.on('data', (chunk) => {
        reply += chunk
      })
      socket.write(text)
      await new Promise((resolve) => socket.on('close', resolve))
      expect(statuses(reply)).toEqual([408])
    }
  })
})

describe('slow readers', () => {
  /** A client that asks for a file and then takes nothing, or a byte now and then. */
  async function slowReader(port: number): Promise<Socket> {
    const socket = connect({ port, host: '127.0.0.1' })
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => {})
    await new Promise((resolve) => socket.once('connect', resolve))
    socket.write(`GET ${l0(1)} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`)
    await new Promise((resolve) => socket.once('readable', resolve))
    return socket
  }

  test('hold up nobody, hold one chunk each, and are disconnected when they take nothing', async () => {
    const dir = tempDir()
    const client = new FileReplica({ path: dir })
    const big = ltxBytes({ min: 1, size: 32 * MiB })
    await client.write(name(0, 1), big)
    await client.write(name(0, 2), ltxBytes({ min: 2, size: 1000 }))
    const { client: counted, counts } = withCounting(client)
    const idleTimeoutMs = 3000
    const { port, url } = await startGateway({ databases: new Map([['app', counted]]), limits: { idleTimeoutMs } })
    await (await fetch(url + l0(2))).arrayBuffer()
    const readers = await Promise.all(Array.from({ length: 20 }, () => slowReader(port)))
    const trickle = setInterval(() => {
      for (const socket of readers) socket.read(1)
    }, 100)
    for (let i = 0; i < 50; i++) expect((await fetch(url + l0(2))).status).toBe(200)
    expect(counts.inFlight).toBe(20) // all of them are still being served
    const read = counts.bytesIn
    await delay(300)
    expect(counts.bytesIn - read).toBeLessThan(20 * MiB) // they have stopped: nothing is read ahead
    expect(counts.bytesIn).toBeLessThan(20 * 12 * MiB) // socket buffers and a chunk each, not 20 files
    clearInterval(trickle)
    await expect.poll(() => counts.inFlight, { timeout: 10_000 }).toBe(0)
  })

  test('of a catalog are disconnected, too', async () => {
    const replica = new MemoryReplica()
    const listed = altered(replica, {
      list: async function* (level) {
        for (let txid = 1; level === 0 && txid <= 200_000; txid++)
          yield { ...name(0, txid), size: 1000, createdAt: txid }
      },
    })
    const limits = { idleTimeoutMs: 500 }
    const { port, url } = await startGateway({ databases: new Map([['app', listed]]), limits })
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write('GET /app/litetap/catalog.json HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n')
    await new Promise((resolve) => socket.once('readable', resolve))
    const inFlight = async () => (await (await fetch(`${url}/metrics`)).text()).match(/in_flight (\d+)/)?.[1]
    expect(await inFlight()).toBe('1')
    await expect.poll(inFlight, { timeout: 10_000 }).toBe('0')
    socket.destroy()
  })

  test('who leaves ends the reading at the store', async () => {
    const client = new FileReplica({ path: tempDir() })
    await client.write(name(0, 1), ltxBytes({ min: 1, size: 32 * MiB }))
    const { client: counted, counts } = withCounting(client)
    const { port } = await startGateway({ databases: new Map([['app', counted]]) })
    const socket = await slowReader(port)
    expect(counts.inFlight).toBe(1)
    socket.destroy()
    await expect.poll(() => counts.inFlight).toBe(0)
    expect(counts.bytesIn).toBeLessThan(16 * MiB)
  })
})

test('1,000 range requests at once, all answered right, in bounded memory (seed 3)', async () => {
  const dir = tempDir()
  const replica = new FileReplica({ path: dir })
  const files = [16 * MiB, 3 * MiB, 100_000].map((size, i) => ltxBytes({ min: i + 1, size }))
  for (const [i, bytes] of files.entries()) await replica.write(name(0, i + 1), bytes)
  const { child, port } = await gatewayProcess(dir)
  const random = seededRandom(3)
  const agent = new Agent({ maxSockets: 1000, keepAlive: true })
  onTestFinished(() => agent.destroy())
  const ask = async (): Promise<void> => {
    const which = Math.floor(random() * files.length)
    const bytes = files[which]!
    const start = Math.floor(random() * bytes.length)
    const length = 1 + Math.floor(random() * 256 * 1024)
    const expected = bytes.subarray(start, start + length)
    const headers = { range: `bytes=${start}-${start + length - 1}` }
    const hash = createHash('sha256')
    const status = await new Promise<number>((resolve, reject) => {
      const request = httpGet({ port, host: '127.0.0.1', path: l0(which + 1), headers, agent }, (reply) => {
        reply.on('data', (chunk) => hash.update(chunk))
        reply.on('end', () => resolve(reply.statusCode!))
        reply.on('error', reject)
      })
      request.on('error', reject)
    })
    expect([status, hash.digest('hex')]).toEqual([206, createHash('sha256').update(expected).digest('hex')])
  }
  await ask()
  resetPeakResidentBytes(child.pid!)
  const before = peakResidentBytes(child.pid!)!
  await Promise.all(Array.from({ length: 1000 }, ask))
  await Promise.all(Array.from({ length: 1000 }, ask))
  const grown = peakResidentBytes(child.pid!)! - before
  // 1,000 chunks of 128 KB on average are 128 MB at the very most; what is kept for each is far less.
  expect(grown).toBeLessThan(256 * MiB)
})

/** The real program, whose memory is its own. */
async function gatewayProcess(dir: string): Promise<{ child: ChildProcess; port: number }> {
  const main = join(import.meta.dirname, '../../cli/main.ts')
  const args = [main, 'serve', '-addr', '127.0.0.1:0', '-rate', '0', `app=file://${dir}`]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  const port = await new Promise<number>((resolve) => {
    child.stdout!.on('data', (chunk) => {
      text += chunk
      const [, found] = /at=http:\/\/127\.0\.0\.1:(\d+)\/app/.exec(text) ?? []
      if (found) resolve(Number(found))
    })
  })
  return { child, port }
}
