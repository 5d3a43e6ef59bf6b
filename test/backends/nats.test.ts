import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { jetstream } from '@nats-io/jetstream'
import { Objm } from '@nats-io/obj'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { readAll } from '../../storage/index.ts'
import { NatsReplica, type NatsReplicaOptions } from '../../storage/nats/index.ts'
import { type LagProxy, startLagProxy } from '../servers/lag-proxy.ts'
import { replicaClientConformance, type Subject } from '../storage/conformance.ts'
import { listAll, ltxBytes, name, ranges, streamOf, TIMESTAMP } from '../storage/ltx-bytes.ts'
import { tempDir } from '../support/temp-dir.ts'
import { NatsBuckets } from './nats-buckets.ts'
import { type NatsServer, startNatsServer } from './servers/nats-server.ts'

let server: NatsServer
let buckets: NatsBuckets
const opened: NatsReplica[] = []
beforeAll(async () => {
  server = await startNatsServer()
  buckets = await NatsBuckets.connect(server)
})
afterAll(async () => {
  for (const client of opened) await client.close()
  await buckets?.close()
  await server?.stop()
})

function replica(bucket: string, options: Partial<NatsReplicaOptions> = {}): NatsReplica {
  const { url, user, password } = server
  const client = new NatsReplica({ server: url, bucket, user, password, ...options })
  opened.push(client)
  return client
}

/** There is no path below a bucket: here every path is a bucket of its own, named after it. */
const PATHS = [
  'app',
  'app2',
  'ap',
  'other',
  'app.bak',
  'a b',
  '100%',
  '%20',
  'süß/日本',
  'a+b&c=d',
  "it's",
  'x/y/z',
  'a#b?c',
]

replicaClientConformance(
  'NatsReplica on nats-server',
  async (): Promise<Subject> => {
    const run = randomBytes(4).toString('hex')
    const nameOf = (path: string): string => `${run}_${Buffer.from(path).toString('base64url')}`
    for (const path of PATHS) await buckets.make(nameOf(path))
    return {
      client: (path) => replica(nameOf(path)),
      putRaw: async (key, bytes) => {
        const path = PATHS.find((each) => key.startsWith(`${each}/`))
        await (path
          ? buckets.put(nameOf(path), key.slice(path.length + 1), bytes)
          : buckets.put(nameOf(key), '-', bytes))
      },
      keys: async () => {
        const all: string[] = []
        for (const path of PATHS) {
          for (const name of await buckets.names(nameOf(path))) all.push(name === '-' ? path : `${path}/${name}`)
        }
        return all.sort()
      },
    }
  },
  {
    subject: NatsReplica,
    type: 'nats',
    key: (path, level, file) => `${path}/ltx/${level}/${file}`,
    fastTimestamps: true,
  },
)

const FILE = 'ltx/0/0000000000000001-0000000000000001.ltx'

async function freshBucket(): Promise<string> {
  const bucket = randomBytes(6).toString('hex')
  await buckets.make(bucket)
  return bucket
}

/** Another client, to look at and to disturb what the replica client does. */
async function raw(): Promise<NatsConnection> {
  const { url, user, password } = server
  const connection = await connect({ servers: url, user, pass: password })
  onTestFinished(() => connection.close())
  return connection
}

async function badLine(): Promise<LagProxy> {
  const proxy = await startLagProxy(server.url.replace('nats', 'http'))
  onTestFinished(() => proxy.close())
  return proxy
}

describe('objects', () => {
  test('carry the time as Litestream writes it, and are read by other clients (facts 2.2)', async () => {
    const bucket = await freshBucket()
    const bytes = ltxBytes({ min: 1, size: 400_000, timestamp: TIMESTAMP - 8 })
    await replica(bucket).write(name(0, 1), bytes)
    const store = await new Objm(await raw()).open(bucket)
    const info = (await store.info(FILE))!
    expect(info.headers?.get('Litestream-Timestamp')).toBe('2026-01-02T03:04:05.67Z')
    expect(info).toMatchObject({ size: 400_000, chunks: 4, deleted: false })
    expect(new Uint8Array((await store.getBlob(FILE))!)).toEqual(bytes)
  })

  test('are read by ranges, exactly, of our own making and of others', async () => {
    const bucket = await freshBucket()
    const client = replica(bucket)
    const [ours, theirs] = [ltxBytes({ min: 1, size: 3_000_000 }), ltxBytes({ min: 2, size: 3_000_000 })]
    // Two writers at once: the chunks of one lie between those of the other.
    const other = new Uint8Array(3_000_000)
    await Promise.all([
      client.write(name(0, 1), ours),
      buckets.put(bucket, 'noise', other),
      client.write(name(0, 3), ltxBytes({ min: 3, size: 2_000_000 })),
    ])
    const store = await new Objm(await raw()).open(bucket)
    const options = { max_chunk_size: 50_000 }
    await store.putBlob({ name: FILE.replaceAll('1', '2'), options }, theirs)
    const alone = await freshBucket()
    await replica(alone).write(name(0, 1), ours)
    for (const [offset, size] of [
      [0, 1],
      [131_071, 2],
      [131_072, 131_072],
      [2_900_000, 0],
      [1_500_000, 700_000],
      [2_999_999, 9],
    ] as const) {
      const end = size === 0 ? undefined : offset + size
      const read = async (from: NatsReplica, min: number): Promise<Uint8Array> =>
        readAll((await from.open(name(0, min), { offset, size }))!)
      expect(Buffer.compare(await read(client, 1), ours.slice(offset, end))).toBe(0)
      expect(Buffer.compare(await read(client, 2), theirs.slice(offset, end))).toBe(0)
      expect(Buffer.compare(await read(replica(alone), 1), ours.slice(offset, end))).toBe(0)
    }
  })

  test('a range far inside costs a part of the bytes', async () => {
    const bucket = await freshBucket()
    const proxy = await badLine()
    const client = replica(bucket, { server: `nats://127.0.0.1:${proxy.port}` })
    await client.write(name(0, 1), ltxBytes({ min: 1, size: 10_000_000 }))
    const before = proxy.stats.down
    await readAll((await client.open(name(0, 1), { offset: 9_000_000, size: 100 }))!)
    // The first chunk, the wanted one and those read ahead, of 128 KiB each.
    expect(proxy.stats.down - before).toBeLessThan(1_500_000)
  })

  test('whose bytes are damaged are refused at their end', async () => {
    const bucket = await freshBucket()
    const client = replica(bucket)
    await client.write(name(0, 1), ltxBytes({ min: 1, size: 5000 }))
    const connection = await raw()
    const store = await new Objm(connection).open(bucket)
    const { nuid } = (await store.info(FILE))!
    const js = jetstream(connection)
    const jsm = await js.jetstreamManager()
    await jsm.streams.purge(`OBJ_${bucket}`, { filter: `$O.${bucket}.C.${nuid}` })
    const short = (await client.open(name(0, 1)))!
    await expect(readAll(short)).rejects.toMatchObject({ code: 'STORAGE_SHORT_READ' })
    await js.publish(`$O.${bucket}.C.${nuid}`, ltxBytes({ min: 2, size: 5000 }))
    const damaged = (await client.open(name(0, 1)))!
    await expect(readAll(damaged)).rejects.toMatchObject({
      code: 'STORAGE_BAD_REPLY',
      message: expect.stringMatching(/digest/),
    })
  })

  test('that are replaced or deleted leave nothing behind', async () => {
    const bucket = await freshBucket()
    const client = replica(bucket)
    await client.write(name(0, 1), ltxBytes({ min: 1, size: 500_000 }))
    await client.write(name(0, 1), streamOf(ltxBytes({ min: 1, size: 300_000 }), 9973))
    const jsm = await jetstream(await raw()).jetstreamManager()
    const messages = async (): Promise<number> => (await jsm.streams.info(`OBJ_${bucket}`)).state.messages
    expect(await messages()).toBe(3 + 1)
    await client.delete([name(0, 1), name(0, 2)])
    expect(await messages()).toBe(0)
    async function* failing() {
      yield* streamOf(ltxBytes({ min: 1, size: 900_000 }), 9973)
      throw new Error('source failed')
    }
    await expect(client.write(name(0, 1), failing())).rejects.toThrow('source failed')
    expect(await messages()).toBe(0)
  })
})

test('a listing over a line that breaks is whole or fails, never shorter', async () => {
  const bucket = await freshBucket()
  const writer = replica(bucket)
  await Promise.all(Array.from({ length: 60 }, (_, i) => writer.write(name(0, i + 1), ltxBytes({ min: i + 1 }))))
  const proxy = await badLine()
  const reader = replica(bucket, { server: `nats://127.0.0.1:${proxy.port}`, reconnectWaitMs: 20, timeoutMs: 500 })
  expect(await listAll(reader, 0)).toHaveLength(60)
  let failed = 0
  for (let cut = 500; cut < 40_000; cut += 8000) {
    proxy.set({ resetAfter: proxy.stats.down + cut })
    const listed = await listAll(reader, 0).catch((error) => {
      expect(error).toMatchObject({ retryable: true })
      failed += 1
    })
    if (listed) expect(listed).toHaveLength(60)
    proxy.set({ resetAfter: Number.POSITIVE_INFINITY })
  }
  expect(failed).toBeLessThan(10)
})

describe('the connection', () => {
  test('is one for everything a client does at once, and is made anew after it broke', async () => {
    const proxy = await badLine()
    const bucket = await freshBucket()
    const client = replica(bucket, { server: `nats://127.0.0.1:${proxy.port}`, reconnectWaitMs: 50, timeoutMs: 1000 })
    await Promise.all([1, 2, 3].map((min) => client.write(name(0, min), ltxBytes({ min }))))
    expect(ranges(await listAll(client, 0))).toEqual(['1-1', '2-2', '3-3'])
    expect(proxy.stats.connections).toBe(1)
    proxy.resetAll()
    await client
      .write(name(0, 4), ltxBytes({ min: 4 }))
      .catch((error) => expect(error).toMatchObject({ retryable: true }))
    await client.write(name(0, 5), ltxBytes({ min: 5 }))
    expect(ranges(await listAll(client, 0))).toContain('5-5')
  })

  test('that hangs is given up in time', async () => {
    const proxy = await badLine()
    const client = replica(await freshBucket(), { server: `nats://127.0.0.1:${proxy.port}`, timeoutMs: 400 })
    await client.write(name(0, 1), ltxBytes({ min: 1 }))
    proxy.set({ blackhole: true })
    const late = { code: 'STORAGE_TIMEOUT', retryable: true }
    await expect(client.open(name(0, 1))).rejects.toMatchObject(late)
    await expect(client.write(name(0, 2), ltxBytes({ min: 2 }))).rejects.toMatchObject({ retryable: true })
    proxy.resetAll()
    proxy.set({ blackhole: false })
    expect(await readAll((await client.open(name(0, 1)))!)).toEqual(ltxBytes({ min: 1 }))
  })

  test('with another password, to no bucket, to nobody', async () => {
    const error = await listAll(replica('app', { password: 'hunter2' }), 0).catch((reason) => reason)
    expect(error).toMatchObject({ code: 'STORAGE_BAD_CREDENTIALS', retryable: false })
    expect(error.message).not.toContain('hunter2')
    const missing = { code: 'STORAGE_NO_BUCKET', message: expect.stringMatching(/nats object add missing/) }
    await expect(listAll(replica('missing'), 0)).rejects.toMatchObject(missing)
    const nobody = listAll(replica('app', { server: 'nats://127.0.0.1:1' }), 0)
    await expect(nobody).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE', retryable: true })
  })

  test('by token and by nkey (facts 2.10)', async () => {
    const { createUser } = await import('@nats-io/transport-node').then(({ nkeys }) => nkeys)
    const user = createUser()
    const seed = new TextDecoder().decode(user.getSeed())
    for (const [config, login] of [
      ['authorization { token: t0ken }', { token: 't0ken' }],
      [`authorization { users: [{ nkey: ${user.getPublicKey()} }] }`, { nkey: seed }],
    ] as const) {
      const other = await startNatsServer({ config })
      onTestFinished(() => other.stop())
      const client = new NatsReplica({ server: other.url, bucket: 'b', ...login })
      onTestFinished(() => client.close())
      // Who is let in is told that there is no such bucket.
      await expect(listAll(client, 0)).rejects.toMatchObject({ code: 'STORAGE_NO_BUCKET' })
    }
  })

  test('by TLS, with a root of its own and a certificate of ours', async () => {
    const dir = tempDir()
    const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')]
    const subject = ['-subj', '/CN=litetap', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, '-out', cert, '-keyout', key]
    await promisify(execFile)('openssl', request)
    const tls = `cert_file: "${cert}", key_file: "${key}", ca_file: "${cert}", verify: true`
    const other = await startNatsServer({ config: `tls { ${tls} }` })
    onTestFinished(() => other.stop())
    const ask = (more: Partial<NatsReplicaOptions>): Promise<unknown> => {
      const client = new NatsReplica({ server: other.url, bucket: 'b', ...more })
      onTestFinished(() => client.close())
      return listAll(client, 0)
    }
    const trusted = { tls: true, rootCAs: [cert], clientCert: cert, clientKey: key }
    await expect(ask(trusted)).rejects.toMatchObject({ code: 'STORAGE_NO_BUCKET' })
    await expect(ask({ ...trusted, rootCAs: [] })).rejects.toMatchObject({ code: 'STORAGE_TLS' })
    await expect(ask({ ...trusted, rootCAs: ['/nowhere.pem'] })).rejects.toMatchObject({ code: 'STORAGE_BAD_OPTION' })
  })
})
