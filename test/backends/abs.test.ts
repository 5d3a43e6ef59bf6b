import { ContainerClient, ContainerSASPermissions, StorageSharedKeyCredential } from '@azure/storage-blob'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AbsReplica, type AbsReplicaOptions } from '../../storage/abs/index.ts'
import { openReplicaSettings, readAll } from '../../storage/node.ts'
import { replicaClientConformance } from '../storage/conformance.ts'
import { collect, listAll, ltxBytes, name, ranges, streamOf, TIMESTAMP } from '../storage/ltx-bytes.ts'
import { faultSuite } from './faults.ts'
import { leaseSuite } from './lease.ts'
import { roundTrip } from './round-trip.ts'
import { type Azurite, startAzurite } from './servers/azurite.ts'

const MiB = 1024 * 1024

let server: Azurite
let containers = 0

beforeAll(async () => {
  server = await startAzurite()
})
afterAll(() => server?.stop())

/** A new container, and a look at it without any code of ours. */
async function newContainer({ endpoint, accountName, accountKey } = server): Promise<ContainerClient> {
  const credential = new StorageSharedKeyCredential(accountName, accountKey)
  const container = new ContainerClient(`${endpoint}/container-${containers++}`, credential)
  await container.create()
  return container
}

async function replica(options: Partial<AbsReplicaOptions> = {}): Promise<{
  readonly raw: ContainerClient
  readonly client: AbsReplica
}> {
  const raw = await newContainer()
  const { endpoint, accountName, accountKey } = server
  const base = { bucket: raw.containerName, path: 'app', endpoint, accountName, accountKey }
  return { raw, client: new AbsReplica({ ...base, ...options }) }
}

replicaClientConformance(
  'AbsReplica on Azurite',
  async () => {
    const raw = await newContainer()
    const { endpoint, accountName, accountKey } = server
    return {
      client: (path) => new AbsReplica({ bucket: raw.containerName, path, endpoint, accountName, accountKey }),
      putRaw: async (key, bytes) => {
        await raw.getBlockBlobClient(key).upload(Buffer.from(bytes), bytes.length)
      },
      keys: async () => (await collect(raw.listBlobsFlat())).map(({ name }) => name).sort(),
    }
  },
  {
    subject: AbsReplica,
    type: 'abs',
    key: (path, level, file) => `${path}/ltx/${level}/${file}`,
    fastTimestamps: true,
  },
)

describe('blobs', () => {
  test('carry timestamp, type and tier as Litestream writes them (facts 2.2, 2.7)', async () => {
    const { raw, client } = await replica()
    await client.write(name(0, 1), ltxBytes({ min: 1, timestamp: TIMESTAMP - 8 }))
    const blob = raw.getBlobClient('app/ltx/0/0000000000000001-0000000000000001.ltx')
    expect(await blob.getProperties()).toMatchObject({
      metadata: { litestreamtimestamp: '2026-01-02T03:04:05.67Z' },
      contentType: 'application/octet-stream',
      accessTier: 'Hot',
    })
  })

  test('that others wrote: the metadata in any case of letters, or none', async () => {
    const { raw, client } = await replica()
    const put = async (min: number, metadata: Record<string, string>): Promise<void> => {
      const blob = raw.getBlockBlobClient(`app/ltx/0/000000000000000${min}-000000000000000${min}.ltx`)
      await blob.upload(Buffer.from(ltxBytes({ min })), 1000, { metadata })
    }
    const before = Date.now()
    await put(1, { Litestreamtimestamp: '2026-01-02T03:04:05.678Z' })
    await put(2, {})
    const [first, second] = await listAll(client, 0)
    expect(first!.createdAt).toBe(TIMESTAMP)
    expect(second!.createdAt).toBeGreaterThan(before - 60_000)
  })

  test('of any size go in blocks, from one buffer', async () => {
    const blockSize = 256 * 1024
    const { raw, client } = await replica({ blockSize })
    const blob = raw.getBlockBlobClient('app/ltx/9/0000000000000001-0000000000000001.ltx')
    for (const size of [blockSize - 1, blockSize, blockSize + 1, 2 * blockSize, 3 * MiB + 7]) {
      const bytes = ltxBytes({ min: 1, size })
      for (const body of [bytes, streamOf(bytes, 100_003)]) {
        expect(await client.write(name(9, 1), body)).toMatchObject({ size, createdAt: TIMESTAMP })
        const { committedBlocks = [] } = await blob.getBlockList('committed')
        expect(committedBlocks).toHaveLength(size <= blockSize ? 0 : Math.ceil(size / blockSize))
        expect(Buffer.from(await readAll((await client.open(name(9, 1)))!)).equals(bytes)).toBe(true)
      }
      const exclusive = client.write(name(9, 1), streamOf(bytes), { exclusive: true })
      await expect(exclusive).rejects.toMatchObject({ code: 'STORAGE_PRECONDITION_FAILED' })
    }
    expect(await listAll(client, 9)).toEqual([{ ...name(9, 1), size: 3 * MiB + 7, createdAt: TIMESTAMP }])
  })

  test('are listed page by page, from the seek on, which is no prefix (#1262, #1456, #1537)', async () => {
    const { client } = await replica({ listPageSize: 3 })
    for (let min = 1; min <= 10; min++) await client.write(name(0, min), ltxBytes({ min }))
    const verbs: string[] = []
    client.observe((verb) => {
      verbs.push(verb)
      return () => {}
    })
    expect(ranges(await listAll(client, 0))).toHaveLength(10)
    expect(verbs).toEqual(['list', 'list', 'list', 'list'])
    expect(ranges(await listAll(client, 0, 8n))).toEqual(['8-8', '9-9', '10-10'])
  })
})

describe('credentials (facts 2.7)', () => {
  test('a SAS token does', async () => {
    const { raw } = await replica()
    const url = new URL(
      await raw.generateSasUrl({
        permissions: ContainerSASPermissions.parse('racwdl'),
        expiresOn: new Date(Date.now() + 3_600_000),
      }),
    )
    const { endpoint } = server
    const settings = { type: 'abs', bucket: raw.containerName, path: 'app', endpoint } as const
    const client = await openReplicaSettings(settings, { env: { LITESTREAM_AZURE_SAS_TOKEN: url.search } })
    await client.write(name(0, 1), ltxBytes({ min: 1 }), { exclusive: true })
    expect(ranges(await listAll(client, 0))).toEqual(['1-1'])
    expect(client.url).not.toContain('sig')
    await client.deleteAll()
    expect(await listAll(client, 0)).toEqual([])
  })

  test('what is wrong with them is told, without them', async () => {
    const { raw } = await replica()
    const base = { bucket: raw.containerName, path: 'app', endpoint: server.endpoint, accountName: server.accountName }
    const sas = new URL(
      await raw.generateSasUrl({
        permissions: ContainerSASPermissions.parse('rl'),
        expiresOn: new Date(Date.now() + 3_600_000),
      }),
    )
    const wrong = Buffer.from('hunter2hunter2hunter2').toString('base64')
    for (const [options, code] of [
      [{ accountKey: wrong }, /STORAGE_(BAD_CREDENTIALS|ACCESS_DENIED)/],
      [{ sasToken: sas.search }, /STORAGE_(BAD_CREDENTIALS|ACCESS_DENIED)/],
    ] as const) {
      const client = new AbsReplica({ ...base, ...options })
      const error = await client.write(name(0, 1), ltxBytes({ min: 1 })).catch((reason) => reason)
      expect(error.code).toMatch(code)
      expect(error.retryable).toBe(false)
      for (const secret of [wrong, sas.searchParams.get('sig')!]) {
        expect(error.message + JSON.stringify(error.at)).not.toContain(secret)
      }
    }
  })

  test('a container that is not there is told', async () => {
    const { client } = await replica({ bucket: 'not-there' })
    const missing = { code: 'STORAGE_NO_BUCKET', retryable: false }
    await expect(listAll(client, 0)).rejects.toMatchObject(missing)
    await expect(client.open(name(0, 1))).rejects.toMatchObject(missing)
    await expect(client.write(name(0, 1), ltxBytes({ min: 1 }))).rejects.toMatchObject(missing)
  })
})

test('replicate, restore, query in place', async () => {
  const { raw, client } = await replica()
  const { path } = await roundTrip(client)
  expect(path).toMatch(/app\.db$/)
  const keys = (await collect(raw.listBlobsFlat())).map(({ name }) => name)
  expect(keys).toContain('app/ltx/0/0000000000000001-0000000000000001.ltx')
})

leaseSuite('abs', async () => {
  const raw = await newContainer()
  const { endpoint, accountName, accountKey } = server
  return {
    client: (path) => new AbsReplica({ bucket: raw.containerName, path, endpoint, accountName, accountKey }),
    read: async (key) => {
      const blob = raw.getBlobClient(key)
      return { text: `${await blob.downloadToBuffer()}`, type: (await blob.getProperties()).contentType }
    },
  }
})

faultSuite('abs', async () => {
  const own = await startAzurite()
  const raw = await newContainer(own)
  const { accountName, accountKey } = own
  return {
    port: own.port,
    settings: (port) => {
      const endpoint = `http://127.0.0.1:${port}/${accountName}`
      return { type: 'abs', bucket: raw.containerName, path: 'app', endpoint, accountName }
    },
    env: { LITESTREAM_AZURE_ACCOUNT_KEY: accountKey },
    stop: own.stop,
  }
})
