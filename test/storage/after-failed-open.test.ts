import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { open } from '../../entry/open.ts'
import { DiskCache } from '../../pagecache/disk/index.ts'
import { PageCache } from '../../pagecache/index.ts'
import { Replica } from '../../replica/index.ts'
import { FileReplica } from '../../storage/file/index.ts'
import { openHttp } from '../../storage/http/index.ts'
import { withRetry } from '../../storage/index.ts'
import { startStaticHttp } from '../servers/static-http.ts'
import { failureOf } from '../support/failure-of.ts'
import { tempDir } from '../support/temp-dir.ts'
import { Bucket } from '../writer/restore-bucket.ts'
import { catalogOf } from './http-catalog-store.ts'

const EVENTS = '/litetap/events'
/** The first pause before events are asked for again is half a second to one. */
const PAUSES_MS = 2500

/** A bucket behind a web server that has a catalog and no events, and that refuses everything once it is told to. */
async function scene() {
  const root = tempDir()
  const replica = new FileReplica({ path: root })
  const bucket = new Bucket({ client: replica })
  for (let i = 0; i < 3; i++) await bucket.insertAndUpload(20)
  const server = await startStaticHttp(root, (path) => (path.endsWith('.json') ? catalogOf(replica) : undefined))
  onTestFinished(() => server.close())
  const fail = (): void => {
    server.requests.length = 0
    server.misbehave((_, { url }, response) => {
      // Late: the events have been asked for by then, and are waited for again.
      if (url.endsWith(EVENTS)) response.destroy()
      else setTimeout(() => response.writeHead(403).end(), 300)
      return undefined
    })
  }
  return { server, fail }
}

async function expectQuiet(requests: readonly { readonly url: string }[]): Promise<void> {
  expect(requests.map(({ url }) => url)).toContain(EVENTS) // it had begun to listen
  const before = requests.length
  await delay(PAUSES_MS)
  expect(requests.slice(before).map(({ url }) => url)).toEqual([])
}

describe('after a failed open no request follows', () => {
  test('by a URL', async () => {
    const { server, fail } = await scene()
    const options = { events: true, cache: { path: tempDir() } }
    await (await open(server.endpoint, options)).close()
    fail()
    expect(await failureOf(open(server.endpoint, options))).toMatchObject({ code: 'STORAGE_ACCESS_DENIED' })
    await expectQuiet(server.requests)
  })

  test('with a client, which stays its owner’s', async () => {
    const { server, fail } = await scene()
    const store = await DiskCache.open({ path: tempDir() })
    onTestFinished(() => store.close())
    const openOne = async () => {
      const client = await openHttp(server.endpoint, { events: true })
      return Replica.open(withRetry(client), { cache: new PageCache(), store, follow: true, checkIntervalMs: 100 })
    }
    await (await openOne()).close()
    fail()
    expect(await failureOf(openOne())).toMatchObject({ code: 'STORAGE_ACCESS_DENIED' })
    await expectQuiet(server.requests)
  })

  test('and the process ends by itself', async () => {
    const { server, fail } = await scene()
    const entry = pathToFileURL(join(import.meta.dirname, '../../entry/open.ts')).href
    const path = JSON.stringify(tempDir())
    const script = `
      import { open } from ${JSON.stringify(entry)}
      const options = { events: true, cache: { path: ${path} } }
      const url = ${JSON.stringify(server.endpoint)}
      await (await open(url, options)).close()
      console.log('opened')
      process.stdin.once('data', async () => {
        process.stdin.destroy()
        await open(url, options).catch(({ code }) => console.log(code))
      })`
    const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script]
    const child = spawn(process.execPath, flags, { stdio: ['pipe', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill())
    let said = ''
    child.stdout.on('data', (chunk) => {
      said += chunk
    })
    await expect.poll(() => said, { timeout: 30_000 }).toBe('opened\n')
    fail()
    child.stdin.write('go\n')
    const ended = once(child, 'exit')
    expect(await Promise.race([ended, delay(20_000, 'it runs on', { ref: false })])).toEqual([0, null])
    expect(said).toBe('opened\nSTORAGE_ACCESS_DENIED\n')
    expect(server.requests.some(({ url }) => url === EVENTS)).toBe(true)
  })
})

describe('closing a client', () => {
  test.each(['before its answer', 'in its answer'])(
    'ends what is under way %s, and it is not tried again',
    async (when) => {
      const { server } = await scene()
      let left = 0
      server.misbehave((_reply, _request, response) => {
        response.on('close', () => left++)
        if (when === 'in its answer') response.writeHead(200).write('{"litetap":1')
        return undefined
      })
      const client = withRetry(await openHttp(server.endpoint), { baseMs: 1 })
      const failing = failureOf(client.listAll!())
      await expect.poll(() => server.requests.length).toBe(1)
      await delay(50)
      await client.close()
      const closedAt = performance.now()
      expect(await failing).toMatchObject({ code: 'STORAGE_CLOSED', retryable: false })
      expect(performance.now() - closedAt).toBeLessThan(10_000) // not only by the server's silence, after 30 s
      await expect.poll(() => left).toBe(1)
      expect(server.requests).toHaveLength(1)
    },
  )
})
