import type { ServerResponse } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { AbsReplica } from '../../storage/abs/index.ts'
import { GsReplica } from '../../storage/gs/index.ts'
import { type ReplicaClient, readAll, withRetry } from '../../storage/index.ts'
import { S3Replica } from '../../storage/s3/index.ts'
import { openWebReplica } from '../../storage/web.ts'
import { WebdavReplica } from '../../storage/webdav/index.ts'
import { pour, type Sent } from '../servers/bad-bodies.ts'
import { startScriptedHttp } from '../servers/scripted-http.ts'
import { failureOf } from '../support/failure-of.ts'
import { name } from './ltx-bytes.ts'

/** What is under way in sockets, of both sides. */
const UNDER_WAY = 24 * 1024 * 1024
const SIZE = 5000
const INFO = { ...name(9, 1), size: SIZE, createdAt: 1 }
const CATALOG = `{"litetap":1,"layout":"ltx","files":[\n[9,"1","1",${SIZE},1]\n]}`
const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' }
const azure = { accountName: 'account', accountKey: Buffer.from('key').toString('base64') }
const at = { bucket: 'b', path: 'app' }

const stores: Record<string, (endpoint: string) => Promise<ReplicaClient> | ReplicaClient> = {
  'a catalog': (endpoint) => openWebReplica(`${endpoint}/app`),
  's3 over fetch': (endpoint) => openWebReplica(`s3://b/app?endpoint=${endpoint}&force-path-style=true`),
  s3: (endpoint) => new S3Replica({ ...at, endpoint, credentials, maxAttempts: 1 }),
  gs: (endpoint) => new GsReplica({ ...at, endpoint, retry: { attempts: 1 } }),
  abs: (endpoint) => new AbsReplica({ ...at, ...azure, endpoint, retry: { attempts: 1 } }),
  webdav: (endpoint) => new WebdavReplica({ endpoint, path: '/app' }),
}

/** A server whose every file has no end. */
async function serve(begin: (response: ServerResponse) => void) {
  const sent: Sent[] = []
  const server = await startScriptedHttp(({ url }, response) => {
    if (url.endsWith('catalog.json')) return void response.end(CATALOG)
    begin(response)
    sent.push(pour(response))
  })
  onTestFinished(() => server.close())
  return { ...server, sent }
}

async function expectLeft(sent: readonly Sent[]): Promise<void> {
  expect(sent.length).toBeGreaterThan(0)
  await expect.poll(() => sent.every(({ left }) => left)).toBe(true)
  for (const { bytes } of sent) expect(bytes).toBeLessThan(UNDER_WAY)
}

describe.each(Object.keys(stores))('%s: a body without an end', (store) => {
  test.each([
    ['206 of the range that was asked for', 206, { 'content-range': `bytes 0-99/${SIZE}` }],
    [
      '206 with a length that is not the range',
      206,
      { 'content-range': 'bytes 0-99/100', 'content-length': '1000000000' },
    ],
    ['206 of another range', 206, { 'content-range': `bytes 0-4999/${SIZE}` }],
    ['206 that names no range', 206, {}],
    ['200 of a server that knows no ranges, without a length', 200, {}],
    ['200 with an enormous length', 200, { 'content-length': '9007199254740991' }],
  ] as const)('asked for 100 bytes: %s', async (_, status, head) => {
    const server = await serve((response) => void response.writeHead(status, head))
    const client = await stores[store]!(server.endpoint)
    let length = 0
    const read = async (): Promise<void> => {
      length = (await readAll((await client.open(INFO, { size: 100 }))!)).length
    }
    const error = await read().catch((reason) => reason)
    // Cut where it knows what it got, an error where it does not: never more, never anything else.
    if (error === undefined) expect(length).toBe(100)
    else expect(error).toMatchObject({ code: expect.stringMatching(/^STORAGE_BAD_(RANGE_)?REPLY$/), retryable: false })
    await expectLeft(server.sent)
  })

  test.each([
    [
      '206 of a file that is as long as a file can be',
      206,
      { 'content-range': 'bytes 0-9007199254740990/9007199254740991' },
    ],
    ['200 without a length', 200, {}],
    ['200 with an enormous length', 200, { 'content-length': '9007199254740991' }],
  ] as const)('asked for the whole: %s ends where the listing says that it does', async (_, status, head) => {
    const server = await serve((response) => void response.writeHead(status, head))
    const client = withRetry(await stores[store]!(server.endpoint))
    let delivered = 0
    const read = async (): Promise<void> => {
      for await (const chunk of (await client.open(INFO))!) delivered += chunk.length
    }
    const error = await failureOf(read())
    expect(error).toMatchObject({ code: expect.stringMatching(/^STORAGE_BAD_(RANGE_)?REPLY$/), retryable: false })
    expect(delivered).toBeLessThanOrEqual(SIZE)
    await expectLeft(server.sent)
  })
})

test('a size of 0 in a listing says nothing', async () => {
  const server = await startScriptedHttp((_, response) => void response.end(Buffer.alloc(SIZE)))
  onTestFinished(() => server.close())
  const client = withRetry(await stores['s3 over fetch']!(server.endpoint))
  const unknown = { ...INFO, size: 0 }
  expect(await readAll((await client.open(unknown))!)).toHaveLength(SIZE)
  expect(await readAll((await client.open(name(9, 1)))!)).toHaveLength(SIZE)
})
