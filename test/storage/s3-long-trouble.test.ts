import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test } from 'vitest'
import { readAll, type StorageError, withRetry } from '../../storage/index.ts'
import { S3Replica } from '../../storage/s3/index.ts'
import { retryStrategy } from '../../storage/s3/retry-strategy.ts'
import { type ScriptedServer, s3ErrorReply, startScriptedHttp } from '../servers/scripted-http.ts'
import { seededRandom } from '../support/random.ts'
import { ltxBytes, name } from './ltx-bytes.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

let server: ScriptedServer | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

const MiB = 1024 * 1024

describe('a server in trouble for minutes', () => {
  test.each([
    [503, 'SlowDown', 'STORAGE_THROTTLED'],
    [500, 'InternalError', 'STORAGE_SERVER_ERROR'],
  ])(
    '%i %s, 400 times: waits grow to their limit, none is like the other, memory does not grow',
    async (status, code, expected) => {
      const body = ltxBytes({ min: 1, size: MiB })
      let stored: Buffer | undefined
      let attempts = 0
      server = await startScriptedHttp((request, response) => {
        attempts += 1
        server!.requests.length = 0
        if (attempts <= 400) return s3ErrorReply(response, status, code)
        stored = request.body
        response.writeHead(200, { etag: '"e"' }).end()
      })
      const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' }
      const s3 = new S3Replica({ bucket: 'b', path: 'app', endpoint: server.endpoint, credentials, maxAttempts: 1 })
      const waits: number[] = []
      const codes = new Set<string>()
      let heap = 0
      const client = withRetry(s3, {
        attempts: 1000,
        random: seededRandom(1),
        onRetry: (error: StorageError) => void codes.add(error.code),
        sleep: async (ms) => {
          waits.push(ms)
          if (waits.length === 100 || waits.length === 400) collectGarbage()
          if (waits.length === 100) heap = process.memoryUsage().heapUsed
          if (waits.length === 400) heap = process.memoryUsage().heapUsed - heap
        },
      })
      await client.write(name(0, 1), body)
      await client.close()
      expect(Buffer.compare(stored!, body)).toBe(0)
      expect([...codes]).toEqual([expected])
      expect(waits).toHaveLength(400)
      expect(waits.reduce((sum, ms) => sum + ms)).toBeGreaterThan(30 * 60_000)
      for (const [index, ms] of waits.entries()) {
        const longest = Math.min(10_000, 250 * 2 ** index)
        expect(ms).toBeGreaterThanOrEqual(longest / 2)
        expect(ms).toBeLessThanOrEqual(longest)
      }
      expect(new Set(waits.slice(10)).size).toBeGreaterThan(300)
      expect(heap).toBeLessThan(2 * MiB)
    },
  )
})

test('the SDK waits with full jitter, longer for throttling, at most 20 s, a bounded number of times', async () => {
  const last: number[] = []
  for (const [errorType, base] of [
    ['TRANSIENT', 200],
    ['THROTTLING', 1000],
  ] as const) {
    const highest = retryStrategy({ maxAttempts: 10, random: () => 1 - 1e-9, now: () => 0 }) as unknown as Strategy
    const lowest = retryStrategy({ maxAttempts: 10, random: () => 0, now: () => 0 }) as unknown as Strategy
    let [high, low] = [await highest.acquireInitialRetryToken(''), await lowest.acquireInitialRetryToken('')]
    const delays: number[] = []
    for (let attempt = 1; attempt < 10; attempt++) {
      high = await highest.refreshRetryTokenForRetry(high, { errorType })
      low = await lowest.refreshRetryTokenForRetry(low, { errorType })
      expect(low.getRetryDelay()).toBe(0)
      delays.push(Math.round(high.getRetryDelay()))
    }
    expect(delays).toEqual(Array.from({ length: 9 }, (_, index) => Math.min(20_000, base * 2 ** index)))
    await expect(highest.refreshRetryTokenForRetry(high, { errorType })).rejects.toThrow('Not to be retried')
    last.push(delays.at(-1)!)
  }
  expect(last).toEqual([20_000, 20_000])
})

interface Token {
  getRetryDelay(): number
}
interface Strategy {
  acquireInitialRetryToken(scope: string): Promise<Token>
  refreshRetryTokenForRetry(token: Token, info: { errorType: string }): Promise<Token>
}

test('a replica that is throttled does not delay another one that shares its client', async () => {
  const body = ltxBytes({ min: 1 })
  server = await startScriptedHttp((request, response) => {
    if (request.url.includes('/slow/')) s3ErrorReply(response, 503, 'SlowDown')
    else response.writeHead(206, { 'content-range': 'bytes 0-999/1000', 'content-length': 1000 }).end(body)
  })
  const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' }
  const common = { bucket: 'b', endpoint: server.endpoint, credentials }
  const slow = new S3Replica({ ...common, path: 'slow' })
  const quick = new S3Replica({ ...common, path: 'quick' })
  const hopeless = slow.open(name(0, 1)).catch((error) => error)
  for (let n = 0; n < 50; n++) expect(await readAll((await quick.open(name(0, 1)))!)).toEqual(body)
  const before = server.requests.filter(({ url }) => url.includes('/slow/')).length
  expect(before).toBeLessThan(10) // it is still waiting
  await slow.close()
  expect(await hopeless).toMatchObject({ code: 'STORAGE_CLOSED' })
  await quick.close()
})
