import { describe, expect, test } from 'vitest'
import { Replica } from '../../replica/index.ts'
import { type LtxFileInfo, memoryReplica, type ReplicaClient, readAll } from '../../storage/index.ts'
import { altered } from '../support/altered-client.ts'
import { Bucket, damage } from '../writer/restore-bucket.ts'
import { readState } from './read-state.ts'

/** A replica of one large file whose pages are read one by one. */
async function large(pageSize = 4096): Promise<{ bucket: Bucket; file: LtxFileInfo }> {
  const bucket = new Bucket({ pageSize })
  bucket.insert(8000)
  const file = await bucket.upload(9, 1, 1)
  return { bucket, file }
}

async function bytesOf(client: ReplicaClient, file: LtxFileInfo): Promise<Uint8Array> {
  return await readAll((await client.open(file))!)
}

/** What each page of the newest state gives: right, or an error's code. Never anything else. */
async function outcomes(replica: Replica, bucket: Bucket): Promise<Map<string, number>> {
  const pages = replica.pin(replica.state)
  const image = bucket.images[Number(replica.state.txid)]!
  const { pageSize } = bucket
  const counts = new Map<string, number>()
  for (let pgno = 1; pgno <= replica.state.commit; pgno++) {
    let outcome = 'right'
    try {
      const page = pages.get(pgno) ?? (await pages.fetch(pgno))
      if (!image.subarray((pgno - 1) * pageSize, pgno * pageSize).equals(page)) outcome = 'wrong'
    } catch (error) {
      outcome = (error as { code: string }).code
    }
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  }
  return counts
}

describe('what is no replica', () => {
  test('nothing there', async () => {
    await expect(Replica.open(memoryReplica())).rejects.toMatchObject({
      code: 'REPLICA_EMPTY',
      hint: expect.stringContaining('URL'),
    })
  })

  test('transactions missing between files', async () => {
    const bucket = new Bucket()
    for (let i = 0; i < 5; i++) bucket.insert(3)
    await bucket.upload(9, 1, 2)
    await bucket.upload(0, 4, 4)
    await bucket.upload(0, 5, 5)
    await expect(Replica.open(bucket.client)).rejects.toMatchObject({
      code: 'REPLICA_NON_CONTIGUOUS',
      at: { gap: { after: 2n, before: 4n } },
    })
  })

  test('two databases of different page sizes below one prefix', async () => {
    const bucket = new Bucket({ pageSize: 1024 })
    const other = new Bucket({ client: bucket.client, pageSize: 4096 })
    for (const each of [bucket, other]) for (let i = 0; i < 3; i++) each.insert(3)
    await bucket.upload(9, 1, 2)
    await other.upload(0, 3, 3)
    await expect(Replica.open(bucket.client)).rejects.toMatchObject({ code: 'REPLICA_PAGE_SIZE' })
  })

  test('another page size while following', async () => {
    const bucket = new Bucket({ pageSize: 1024 })
    const other = new Bucket({ client: bucket.client, pageSize: 4096 })
    for (const each of [bucket, other]) for (let i = 0; i < 3; i++) each.insert(3)
    await bucket.upload(9, 1, 2)
    const replica = await Replica.open(bucket.client, { checkIntervalMs: 0 })
    await other.upload(0, 3, 3)
    await expect(replica.refresh()).rejects.toMatchObject({ code: 'REPLICA_PAGE_SIZE' })
    expect((await readState(replica)).equals(bucket.images[2]!)).toBe(true)
  })

  test('a file under another file’s name', async () => {
    const bucket = new Bucket()
    for (let i = 0; i < 3; i++) await bucket.insertAndUpload(3)
    const bytes = await bytesOf(bucket.client, { level: 0, minTXID: 2n, maxTXID: 2n } as LtxFileInfo)
    const renamed = renaming(bucket.client, 3n, bytes)
    await expect(Replica.open(renamed)).rejects.toMatchObject({ code: 'REPLICA_DAMAGED' })
  })
})

/** A client of which one L0 file has other bytes than were written. */
function renaming(client: ReplicaClient, txid: bigint, bytes: Uint8Array): ReplicaClient {
  return new Proxy(client, {
    get(target, name) {
      if (name === 'list') {
        return async function* (level: number, options: object) {
          for await (const file of target.list(level, options)) {
            yield level === 0 && file.maxTXID === txid ? { ...file, size: bytes.length } : file
          }
        }
      }
      if (name === 'open') {
        return async (file: LtxFileInfo, { offset = 0, size = 0 } = {}) => {
          if (file.level !== 0 || file.maxTXID !== txid) return await target.open(file, { offset, size })
          const end = size ? offset + size : bytes.length
          return (async function* () {
            yield bytes.slice(offset, end)
          })()
        }
      }
      return Reflect.get(target, name)
    },
  })
}

/** A client of which every file has the same bytes, and ends early. */
function cutting(client: ReplicaClient, bytes: Uint8Array, end: () => number): ReplicaClient {
  return altered(client, {
    open: async (_file, { offset = 0, size = 0 } = {}) =>
      (async function* () {
        yield bytes.slice(offset, Math.min(size ? offset + size : bytes.length, end()))
      })(),
  })
}

/** The first frames of a file: page number, first byte, end. */
function* frames(bytes: Uint8Array, count: number): Generator<[pgno: number, at: number, end: number]> {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  for (let pgno = 1, at = 100; pgno <= count; pgno++) {
    const end = at + 10 + view.getUint32(at + 6)
    yield [pgno, at, end]
    at = end
  }
}

/** A client whose newest L0 file is compacted and deleted, and followed by a newer one, just when it is to be read. */
function sweeping(bucket: Bucket, times: number): { client: ReplicaClient; done: () => boolean; stop: () => void } {
  let left = times
  const client = altered(bucket.client, {
    open: async (file, range) => {
      const { level, maxTXID } = file
      if (left > 0 && level === 0 && maxTXID === bucket.txid) {
        left--
        await bucket.upload(1, 1, maxTXID)
        await bucket.insertAndUpload(2)
        await bucket.client.delete([file])
      }
      return await bucket.client.open(file, range)
    },
  })
  const stop = () => {
    left = 0
  }
  return { client, done: () => left === 0, stop }
}

describe('files that are deleted between being listed and being read', () => {
  test('opening goes on until it has one state', async () => {
    const bucket = new Bucket()
    for (let i = 0; i < 3; i++) await bucket.insertAndUpload(2)
    const { client, done } = sweeping(bucket, 9)
    const replica = await Replica.open(client)
    expect(done()).toBe(true)
    expect((await readState(replica)).equals(bucket.images[Number(bucket.txid)]!)).toBe(true)
  })

  test('opening an older state, too', async () => {
    const bucket = new Bucket()
    for (let i = 0; i < 3; i++) await bucket.insertAndUpload(2)
    let gone = 0
    const client = altered(bucket.client, {
      open: async (file, range) =>
        file.maxTXID === 3n && gone++ % 2 === 0 ? undefined : await bucket.client.open(file, range),
    })
    const replica = await Replica.open(client)
    await bucket.insertAndUpload(2)
    for (const target of [{ txid: 3n }, { timestamp: replica.state.timestamp + 1 }]) {
      const state = await replica.at(target)
      expect((await readState(replica, state)).equals(bucket.images[3]!)).toBe(true)
    }
    expect(gone).toBeGreaterThan(3)
  })

  test('levels listed before and after a compaction do not fit together: they are listed again', async () => {
    const bucket = new Bucket()
    for (let i = 0; i < 5; i++) await bucket.insertAndUpload(2)
    await bucket.upload(1, 1, 4)
    await bucket.client.delete([1n, 2n, 3n].map((txid) => ({ level: 0, minTXID: txid, maxTXID: txid })))
    let early = 2
    const client = altered(bucket.client, {
      list: async function* (level, options) {
        if (level !== 1 || early-- <= 0) yield* bucket.client.list(level, options)
      },
    })
    const replica = await Replica.open(client)
    expect((await readState(replica)).equals(bucket.images[5]!)).toBe(true)
  })

  test('without end: an error that says so, then all is well again', async () => {
    const bucket = new Bucket()
    await bucket.insertAndUpload(2)
    const { client, stop } = sweeping(bucket, Number.POSITIVE_INFINITY)
    await expect(Replica.open(client)).rejects.toMatchObject({
      code: 'REPLICA_SNAPSHOT_GONE',
      at: { key: expect.stringMatching(/^0\/.*\.ltx$/) },
      hint: expect.stringContaining('keep files longer'),
    })
    stop()
    const replica = await Replica.open(client)
    expect((await readState(replica)).equals(bucket.images[Number(bucket.txid)]!)).toBe(true)
  })
})

describe('damage', () => {
  test('in pages: those pages are errors that name them, all others are right', async () => {
    const { bucket, file } = await large()
    await damage(bucket.client, file, (bytes) => {
      for (const [pgno, at, end] of frames(bytes, 600)) if (pgno % 20 === 0) bytes.fill(0xa5, at + 10, end)
      return bytes
    })
    const replica = await Replica.open(bucket.client)
    const counts = await outcomes(replica, bucket)
    expect([...counts.keys()].sort()).toEqual(['REPLICA_DAMAGED', 'right'])
    expect(counts.get('REPLICA_DAMAGED')).toBe(30)
  })

  test('in a page’s number or size: never another page’s bytes', async () => {
    const { bucket, file } = await large()
    await damage(bucket.client, file, (bytes) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset)
      for (const [pgno, at] of [...frames(bytes, 600)]) {
        if (pgno % 100 === 0) view.setUint32(at, pgno + 1)
        if (pgno % 100 === 50) view.setUint32(at + 6, view.getUint32(at + 6) + 1)
      }
      return bytes
    })
    const counts = await outcomes(await Replica.open(bucket.client), bucket)
    expect(counts.get('REPLICA_DAMAGED')).toBe(12)
    expect(counts.has('wrong')).toBe(false)
  })

  test('in the index: an error that says so, from opening or from reading', async () => {
    for (const back of [30, 2_000, 30_000, 50_000]) {
      const { bucket, file } = await large(512)
      await damage(bucket.client, file, (bytes) => {
        bytes[bytes.length - back]! ^= 0x11
        return bytes
      })
      const counts = await Replica.open(bucket.client).then(
        (replica) => outcomes(replica, bucket),
        (error) => new Map([[error.code as string, 1]]),
      )
      expect(counts.get('REPLICA_DAMAGED'), `${back} bytes from the end`).toBeGreaterThan(0)
      expect(counts.has('wrong')).toBe(false)
    }
  }, 60_000)

  test('a small file is proved as a whole', async () => {
    const bucket = new Bucket()
    await bucket.insertAndUpload(3)
    const bytes = await bytesOf(bucket.client, { level: 0, minTXID: 1n, maxTXID: 1n } as LtxFileInfo)
    for (let at = 100; at < bytes.length; at += 37) {
      const damaged = bytes.slice()
      damaged[at]! ^= 0x08
      await expect(Replica.open(renaming(bucket.client, 1n, damaged))).rejects.toMatchObject({
        code: 'REPLICA_DAMAGED',
      })
    }
  })

  test('a file cut short (peers.md 8.9)', async () => {
    const { bucket, file } = await large()
    const bytes = await bytesOf(bucket.client, file)
    let end = bytes.length - 5_000
    const client = cutting(bucket.client, bytes, () => end)
    await expect(Replica.open(client)).rejects.toMatchObject({ code: 'REPLICA_DAMAGED' })
    end = bytes.length
    const replica = await Replica.open(client)
    end = 500_000
    const counts = await outcomes(replica, bucket)
    expect([...counts.keys()].sort()).toEqual(['REPLICA_DAMAGED', 'right'])
  })
})

describe('budgets', () => {
  test('requests, bytes and round trips end a reader, and nobody else', async () => {
    const { bucket } = await large()
    const replica = await Replica.open(bucket.client)
    for (const budget of [{ maxRequests: 3 }, { maxBytes: 40_000 }, { maxRoundTrips: 3 }]) {
      const pages = replica.pin(replica.state, { budget })
      const read = async (): Promise<void> => {
        for (let pgno = 100; pgno < 700; pgno += 29) if (!pages.get(pgno)) await pages.fetch(pgno)
      }
      await expect(read()).rejects.toMatchObject({ code: 'REPLICA_BUDGET' })
    }
    expect((await readState(replica)).equals(bucket.images[1]!)).toBe(true)
  })
})

describe('closing', () => {
  test('ends reads under way, and all that come later', async () => {
    const { bucket } = await large()
    const replica = await Replica.open(bucket.client)
    const pages = replica.pin(replica.state)
    const reading = pages.fetch(500)
    await replica.close()
    await expect(reading).rejects.toMatchObject({ code: 'REPLICA_CLOSED' })
    await expect(replica.refresh()).rejects.toMatchObject({ code: 'REPLICA_CLOSED' })
    expect(() => replica.pin(replica.state)).toThrow(/closed/)
  })
})
