import { describe, expect, test } from 'vitest'
import { Decoder, Encoder } from '../../ltx/index.ts'
import { Replica, type ReplicaOptions } from '../../replica/index.ts'
import { listLevels } from '../../replica/plan/list-levels.ts'
import { PageMapMaker } from '../../replica/published/index.ts'
import { type LtxFileName, type MemoryBucket, memoryReplica, type ReplicaClient } from '../../storage/index.ts'
import { openReplica } from '../../storage/node.ts'
import { altered } from '../support/altered-client.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { tempDir } from '../support/temp-dir.ts'
import { Bucket, EPOCH } from '../writer/restore-bucket.ts'
import { readState } from './read-state.ts'

const HOUR = 3_600_000
/** A new history's length beside the old one's. */
const LENGTHS = [
  [6, 3],
  [6, 6],
  [6, 7],
  [6, 9],
  [3, 60],
] as const

async function live(client: ReplicaClient | undefined, states: number, epoch = EPOCH): Promise<Bucket> {
  const bucket = new Bucket({ ...(client && { client }), epoch })
  for (let i = 0; i < states; i++) await bucket.insertAndUpload(5)
  return bucket
}

/** Empty a place and begin another history in it. */
async function beginAnew(client: ReplicaClient, states: number, epoch = EPOCH + HOUR): Promise<Bucket> {
  await client.deleteAll()
  return await live(client, states, epoch)
}

async function expectState(replica: Replica, bucket: Bucket): Promise<void> {
  expect(replica.state.txid).toBe(bucket.txid)
  expect((await readState(replica)).equals(bucket.images[Number(bucket.txid)]!)).toBe(true)
}

function catalogued(client: ReplicaClient): ReplicaClient {
  return altered(client, { listAll: async () => (await listLevels(client)).flat() })
}

function options(clock: { now: number }, more: ReplicaOptions = {}): ReplicaOptions {
  return { checkIntervalMs: 0, now: () => clock.now, ...more }
}

/** Put objects back as they were. */
function restore(to: MemoryBucket, from: MemoryBucket): void {
  to.clear()
  for (const [key, object] of from) to.set(key, object)
}

describe.each(LENGTHS)('a reader at TXID %i, a new history that has come to TXID %i', (before, after) => {
  test('it is noticed in ten seconds; until then nothing is mixed', async () => {
    const old = await live(undefined, before)
    const clock = { now: 0 }
    const replica = await Replica.open(old.client, options(clock))
    const { identity } = replica.state
    const anew = await beginAnew(old.client, after)
    await replica.refresh()
    if (replica.state.identity !== identity) await expectState(replica, anew)
    clock.now += 10_000
    await replica.refresh()
    await expectState(replica, anew)
  })

  test('of the same times, too', async () => {
    const old = await live(undefined, before)
    const clock = { now: 0 }
    const replica = await Replica.open(old.client, options(clock))
    const anew = await beginAnew(old.client, after, EPOCH)
    clock.now += 10_000
    await replica.refresh()
    await expectState(replica, anew)
  })

  test('in a folder: with the next check', async () => {
    const client = await openReplica(`file://${tempDir()}/replica`)
    const old = await live(client, before)
    const replica = await Replica.open(client, { checkIntervalMs: 0 })
    await expectState(replica, old)
    const anew = await beginAnew(client, after)
    await replica.refresh()
    await expectState(replica, anew)
  })

  test('behind a catalog: with the next check', async () => {
    const old = await live(undefined, before)
    const replica = await Replica.open(catalogued(old.client), { checkIntervalMs: 0 })
    const anew = await beginAnew(old.client, after)
    await replica.refresh()
    await expectState(replica, anew)
  })

  test('opened with the old history’s page map', async () => {
    const old = await live(undefined, before)
    const maker = new PageMapMaker(old.client)
    const { body } = (await maker.make((await listLevels(old.client)).flat()))!
    const anew = await beginAnew(old.client, after)
    const replica = await Replica.open(altered(catalogued(old.client), { readPageMap: async () => body }))
    await expectState(replica, anew)
    maker.close()
  })

  test('opened with what was kept of the old one', async () => {
    const store = new MemoryStore()
    const old = await live(undefined, before)
    const { bucket } = old.client as ReturnType<typeof memoryReplica>
    const first = await Replica.open(memoryReplica({ bucket }), { store })
    await readState(first)
    await first.close()
    const anew = await beginAnew(old.client, after)
    const again = await Replica.open(memoryReplica({ bucket }), { store })
    await expectState(again, anew)
  })

  test('whoever still reads the old state gets its pages or an error, never others', async () => {
    const old = await live(undefined, before)
    const clock = { now: 0 }
    const replica = await Replica.open(old.client, options(clock))
    const pinned = replica.state
    const anew = await beginAnew(old.client, after)
    clock.now += 10_000
    await replica.refresh()
    const image = old.images[before]!
    const pages = replica.pin(pinned)
    for (let pgno = 1; pgno <= pinned.commit; pgno++) {
      const page = await Promise.resolve(pages.get(pgno) ?? pages.fetch(pgno)).catch((error) => error as Error)
      if (page instanceof Error) expect(page).toMatchObject({ code: 'REPLICA_SNAPSHOT_GONE' })
      else expect(image.subarray((pgno - 1) * 4096, pgno * 4096).equals(page)).toBe(true)
    }
    await expectState(replica, anew)
  })
})

describe('a place that was set back to the past', () => {
  test.each([
    ['and has not gone on', 3],
    ['and went on to less than it had', 5],
    ['and went on to as much as it had', 6],
    ['and went on to more', 8],
  ])('%s', async (_what, states) => {
    const bucket = await live(undefined, 3)
    const { bucket: objects } = bucket.client as ReturnType<typeof memoryReplica>
    const past = new Map(objects)
    for (let i = 3; i < 6; i++) await bucket.insertAndUpload(5)
    const clock = { now: 0 }
    const replica = await Replica.open(bucket.client, options(clock))
    expect(replica.state.txid).toBe(6n)
    restore(objects, past)
    bucket.images.length = 4 // the numbers are given again
    for (let i = 3; i < states; i++) await bucket.insertAndUpload(7)
    clock.now += 10_000
    await replica.refresh()
    await expectState(replica, bucket)
  })
})

describe('a listing that is out of date', () => {
  test('takes nobody back', async () => {
    const bucket = await live(undefined, 3)
    const old = await listLevels(bucket.client)
    for (let i = 0; i < 3; i++) await bucket.insertAndUpload(5)
    let stale = false
    const client = altered(bucket.client, {
      async *list(level, listing) {
        if (!stale) yield* bucket.client.list(level, listing)
        else yield* old[level]!.filter(({ minTXID }) => minTXID >= (listing?.seek ?? 0n))
      },
    })
    const clock = { now: 0 }
    const replica = await Replica.open(client, options(clock))
    stale = true
    for (let check = 0; check < 3; check++) {
      clock.now += 60_000
      expect((await replica.refresh()).txid).toBe(6n)
    }
  })

  test('nor when the file of the newest transaction has been swept away since', async () => {
    const bucket = await live(undefined, 3)
    await bucket.upload(9, 1, 3)
    const old = await listLevels(bucket.client)
    for (let i = 0; i < 3; i++) await bucket.insertAndUpload(5)
    let stale = false
    const client = altered(bucket.client, {
      async *list(level, listing) {
        if (!stale) yield* bucket.client.list(level, listing)
        else yield* old[level]!.filter(({ minTXID }) => minTXID >= (listing?.seek ?? 0n))
      },
    })
    const clock = { now: 0 }
    const replica = await Replica.open(client, options(clock))
    for (let i = 0; i < 2; i++) await bucket.insertAndUpload(5)
    await bucket.upload(1, 1, 7)
    await bucket.client.delete(
      [1n, 2n, 3n, 4n, 5n, 6n, 7n].map((txid): LtxFileName => ({ level: 0, minTXID: txid, maxTXID: txid })),
    )
    stale = true
    for (let check = 0; check < 3; check++) {
      clock.now += 60_000
      expect((await replica.refresh()).txid).toBe(6n)
    }
    stale = false
    clock.now += 60_000
    await replica.refresh()
    await expectState(replica, bucket)
  })
})

test('a bucket that is compacted and swept goes on, and keeps its identity’s history', async () => {
  const bucket = await live(undefined, 6)
  const clock = { now: 0 }
  const replica = await Replica.open(bucket.client, options(clock))
  await bucket.insertAndUpload(5)
  await replica.refresh()
  await bucket.upload(1, 1, 7)
  await bucket.client.delete(
    [1n, 2n, 3n, 4n, 5n, 6n].map((txid): LtxFileName => ({ level: 0, minTXID: txid, maxTXID: txid })),
  )
  const before = replica.state
  clock.now += 60_000
  await replica.refresh()
  expect(replica.state).toBe(before)
  await expectState(replica, bucket)
})

test('a place that changes between the answers is never mixed', async () => {
  // Begun anew just after the next file was read: what follows is another history's.
  for (const after of [7, 8, 9, 12]) {
    const old = await live(undefined, 6)
    const next = old.insert(5)
    await old.upload(0, next, next)
    let anew: Bucket | undefined
    let changing = false
    const client = altered(old.client, {
      open: async (file, range) => {
        const found = await old.client.open(file, range)
        if (changing && file.level === 0 && file.maxTXID === 7n && anew === undefined) {
          anew = await beginAnew(old.client, after)
        }
        return found
      },
    })
    await old.client.delete([{ level: 0, minTXID: 7n, maxTXID: 7n }])
    const clock = { now: 0 }
    const replica = await Replica.open(client, options(clock))
    expect(replica.state.txid).toBe(6n)
    await old.upload(0, next, next)
    changing = true
    await replica.refresh()
    clock.now += 10_000
    await replica.refresh()
    await expectState(replica, anew!)
  }
})

describe('files of two histories side by side', () => {
  test.each([
    ['the old snapshot', 9, 1, 4],
    ['an old compacted file', 1, 1, 5],
  ])('%s, and all of the new level 0: the new history', async (_what, level, min, max) => {
    const old = await live(undefined, 6)
    const bytes = old.encode(BigInt(min), BigInt(max))
    const anew = await beginAnew(old.client, 8)
    await old.client.write({ level, minTXID: BigInt(min), maxTXID: BigInt(max) }, bytes)
    for (const client of [old.client, catalogued(old.client)]) await expectState(await Replica.open(client), anew)
  })

  test('a copy of a bucket, whose times are those of copying: read as ever', async () => {
    const bucket = await live(undefined, 6)
    await bucket.upload(1, 1, 5)
    const times = [50, 40, 30, 20, 10, 60]
    const client = altered(bucket.client, {
      async *list(level, listing) {
        for await (const file of bucket.client.list(level, listing)) {
          yield { ...file, createdAt: level === 0 ? times[Number(file.minTXID) - 1]! : 5 }
        }
      },
    })
    await expectState(await Replica.open(client), bucket)
  })
})

describe('a file that was listed as another one', () => {
  const seventh = { level: 0, minTXID: 7n, maxTXID: 7n }

  /** A place that is begun anew just before its seventh file is read, which has the size that was listed. */
  async function scene(client: ReplicaClient, rewrite: (bytes: Uint8Array) => Uint8Array) {
    const old = await live(client, 6)
    old.insert(5)
    const bytes = old.encode(7n, 7n)
    let anew: Bucket | undefined
    const changing = altered(client, {
      open: async (file, range) => {
        if (file.level === 0 && file.maxTXID === 7n && anew === undefined && old.images.length > 8) {
          anew = await beginAnew(client, 6)
          await client.write(seventh, rewrite(bytes))
        }
        return await client.open(file, range)
      },
    })
    const arm = async (): Promise<void> => {
      await client.write(seventh, bytes)
      old.images.push(Buffer.alloc(0))
    }
    return { changing, arm }
  }

  test('by a catalog: its time is another one', async () => {
    const client = memoryReplica()
    const { changing, arm } = await scene(client, (bytes) => redated(bytes, EPOCH + HOUR + 7000))
    const replica = await Replica.open(catalogued(changing), { checkIntervalMs: 0 })
    await arm()
    await replica.refresh()
    expect(replica.state.txid).toBe(7n)
    expect(replica.state.identity).toBe((await Replica.open(client)).state.identity)
  })
})

/** The same file, made at another time. */
function redated(bytes: Uint8Array, timestamp: number): Uint8Array {
  const decoder = new Decoder({ key: 'redated' })
  decoder.push(bytes)
  const encoder = new Encoder({ ...decoder.header()!, timestamp })
  for (let page = decoder.nextPage(); typeof page === 'object'; page = decoder.nextPage()) {
    encoder.encodePage(page.pgno, page.data)
  }
  encoder.finish()
  return encoder.take()
}
