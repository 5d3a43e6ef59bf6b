import { beforeEach, describe, expect, test } from 'vitest'
import { type ReplicaClient, readAll } from '../../storage/index.ts'
import { collect, listAll, ltxBytes, name, ranges, streamOf, TIMESTAMP } from './ltx-bytes.ts'
import { catalogs, leases } from './sidecar-conformance.ts'

/** A store under test. One subject is one empty store. */
export interface Subject {
  /** The client of the replica at `path`; a new one each time. */
  client(path: string): ReplicaClient
  /** Fills the same store, where the client only reads. Default: the client. */
  writer?(path: string): ReplicaClient
  /** Put any object, by the key that the store itself uses. */
  putRaw(key: string, bytes: Uint8Array): Promise<void>
  /** All keys in the store. */
  keys(): Promise<string[]>
}

export interface Capabilities {
  /** The class every client must be: a suite that runs on another class proves nothing. */
  readonly subject: abstract new (
    ...args: never[]
  ) => ReplicaClient
  readonly type: string
  /** Key of a file (facts 2.1), written out here rather than taken from the code. */
  readonly key: (path: string, level: number, file: string) => string
  /** A listing tells the LTX timestamp even without `useMetadata`, or its whole seconds (facts 2.2). */
  readonly fastTimestamps: boolean | 'seconds'
  /** Writes can have conditions: exclusive ones, and those of a lease. Default true. */
  readonly conditionalWrites?: boolean
}

const FILE_1 = '0000000000000001-0000000000000001.ltx'

/** What every replica client must do. @param make gives a new empty store */
export function replicaClientConformance(
  label: string,
  make: () => Promise<Subject>,
  capabilities: Capabilities,
): void {
  const conditional = capabilities.conditionalWrites ?? true
  describe(label, () => {
    let store: Subject
    let client: ReplicaClient
    beforeEach(async () => {
      store = await make()
      client = store.client('app')
    })

    test('the subject is the class it says', () => {
      expect(client).toBeInstanceOf(capabilities.subject)
      expect(client.constructor).toBe(capabilities.subject)
      expect(client.type).toBe(capabilities.type)
      expect(client.createsExclusively).toBe(conditional)
      if (!conditional) expect(client.lease).toBeUndefined()
    })

    const get: Get = () => ({ store, client, writer: client })
    listing(get, capabilities)
    reading(get)
    writing(get, capabilities)
    deleting(get, capabilities)
    aborting(get)
    paths(get, capabilities)
    if (conditional) {
      exclusiveWriting(get, capabilities)
      leases(get)
    }
    catalogs(get)
    closing(get)
  })
}

/** What a client that only reads must do. @param make gives a new empty store, with its writer */
export function replicaReaderConformance(
  label: string,
  make: () => Promise<Subject & Required<Pick<Subject, 'writer'>>>,
  capabilities: Capabilities,
): void {
  describe(label, () => {
    let store: Awaited<ReturnType<typeof make>>
    let client: ReplicaClient
    beforeEach(async () => {
      store = await make()
      client = store.client('app')
    })

    test('the subject is the class it says, and only reads', async () => {
      expect(client).toBeInstanceOf(capabilities.subject)
      expect(client.type).toBe(capabilities.type)
      expect(client.createsExclusively).toBe(false)
      expect(client.lease).toBeUndefined()
      const refused = { code: 'STORAGE_REFUSED', retryable: false }
      await expect(client.write(name(0, 1), ltxBytes({ min: 1 }))).rejects.toMatchObject(refused)
      await expect(client.delete([name(0, 1)])).rejects.toMatchObject(refused)
      await expect(client.deleteAll()).rejects.toMatchObject(refused)
      expect(await store.keys()).toEqual([])
    })

    const get: Get = () => ({ store, client, writer: store.writer('app') })
    listing(get, capabilities)
    reading(get)
    abortedReading(get)
    paths(get, capabilities)
    closing(get)
  })
}

/** What one test works on. */
export type Get = () => { readonly store: Subject; readonly client: ReplicaClient; readonly writer: ReplicaClient }

function closing(get: Get): void {
  test('a closed client says so', async () => {
    const { client } = get()
    await client.close()
    await expect(client.open(name(0, 1))).rejects.toMatchObject({ code: 'STORAGE_CLOSED' })
    await expect(listAll(client, 0)).rejects.toMatchObject({ code: 'STORAGE_CLOSED' })
  })
}

function listing(get: Get, capabilities: Capabilities): void {
  describe('list', () => {
    test('of nothing is empty', async () => {
      expect(await listAll(get().client, 0)).toEqual([])
    })

    test('is ascending, one level only, by seek (facts 2.3)', async () => {
      const { client, writer } = get()
      for (const min of [300, 2, 255, 256, 1]) await writer.write(name(0, min), ltxBytes({ min }))
      await writer.write(name(1, 1, 4), ltxBytes({ min: 1, max: 4 }))
      await writer.write(name(1, 1, 9), ltxBytes({ min: 1, max: 9 }))
      expect(ranges(await listAll(client, 0))).toEqual(['1-1', '2-2', '255-255', '256-256', '300-300'])
      expect(ranges(await listAll(client, 1))).toEqual(['1-4', '1-9'])
      expect(await listAll(client, 2)).toEqual([])
      for (const seek of [0n, 1n]) expect(await listAll(client, 0, seek)).toHaveLength(5)
      expect(ranges(await listAll(client, 0, 2n))).toEqual(['2-2', '255-255', '256-256', '300-300'])
      expect(ranges(await listAll(client, 0, 3n))).toEqual(['255-255', '256-256', '300-300'])
      expect(ranges(await listAll(client, 0, 256n))).toEqual(['256-256', '300-300'])
      expect(await listAll(client, 0, 301n)).toEqual([])
      expect(await listAll(client, 1, 2n)).toEqual([])
    })

    test('ignores foreign names (facts 1.8)', async () => {
      const { store, client, writer } = get()
      await writer.write(name(0, 1), ltxBytes({ min: 1 }))
      const foreign = [
        `${FILE_1}.tmp`,
        `${FILE_1}.123.abcdef.tmp`,
        'readme.txt',
        '000000000000000A-000000000000000A.ltx',
        '0000000000000002-0000000000000002.ltx.gz',
        `sub/${FILE_1.replaceAll('1', '7')}`,
      ]
      for (const file of foreign) await store.putRaw(capabilities.key('app', 0, file), new Uint8Array([1]))
      expect(ranges(await listAll(client, 0))).toEqual(['1-1'])
    })

    test('tells size and timestamp (facts 2.2)', async () => {
      const { client, writer } = get()
      const before = Date.now()
      await writer.write(name(0, 1), ltxBytes({ min: 1, size: 1234, timestamp: TIMESTAMP }))
      await writer.write(name(0, 2), ltxBytes({ min: 2, timestamp: TIMESTAMP + 122 }))
      const exact = await collect(client.list(0, { useMetadata: true }))
      expect(exact).toEqual([
        { ...name(0, 1), size: 1234, createdAt: TIMESTAMP },
        { ...name(0, 2), size: 1000, createdAt: TIMESTAMP + 122 },
      ])
      const fast = await listAll(client, 0)
      if (capabilities.fastTimestamps === 'seconds') {
        expect(fast.map(({ createdAt }) => createdAt)).toEqual([TIMESTAMP - 678, TIMESTAMP - 678])
      } else if (capabilities.fastTimestamps) expect(fast).toEqual(exact)
      else for (const { createdAt } of fast) expect(createdAt).toBeGreaterThan(before - 60_000)
    })

    test('can be left early', async () => {
      const { client, writer } = get()
      for (const min of [1, 2, 3]) await writer.write(name(0, min), ltxBytes({ min }))
      for await (const file of client.list(0)) {
        expect(file.minTXID).toBe(1n)
        break
      }
    })
  })
}

function reading(get: Get): void {
  describe('open', () => {
    const bytes = ltxBytes({ min: 1, size: 3_000_000 })

    async function read(offset?: number, size?: number): Promise<Uint8Array | undefined> {
      const range = { ...(offset !== undefined && { offset }), ...(size !== undefined && { size }) }
      const stream = await get().client.open(name(0, 1), range)
      return stream && readAll(stream)
    }

    test('of a missing file is undefined', async () => {
      expect(await read()).toBeUndefined()
    })

    test('reads the whole, a range, to the end', async () => {
      await get().writer.write(name(0, 1), bytes)
      // Comparing megabytes with `toEqual` holds this process up for seconds: servers close what is idle for so long.
      expect(Buffer.compare((await read())!, bytes)).toBe(0)
      expect(Buffer.compare((await read(0, 0))!, bytes)).toBe(0)
      expect(await read(0, 100)).toEqual(bytes.slice(0, 100))
      expect(Buffer.compare((await read(1_000_001, 1_000_000))!, bytes.slice(1_000_001, 2_000_001))).toBe(0)
      expect(await read(2_999_990)).toEqual(bytes.slice(2_999_990))
      expect(await read(2_999_999, 1)).toEqual(bytes.slice(2_999_999))
    })

    test('past the end gives what there is', async () => {
      await get().writer.write(name(0, 1), bytes)
      expect(await read(2_999_990, 100)).toEqual(bytes.slice(2_999_990))
      expect(await read(3_000_000)).toEqual(new Uint8Array(0))
      expect(await read(3_000_000, 10)).toEqual(new Uint8Array(0))
      expect(await read(9_000_000, 10)).toEqual(new Uint8Array(0))
    })

    test('can be left early, before the first chunk too', async () => {
      const { client, writer } = get()
      await writer.write(name(0, 1), bytes)
      for (let round = 0; round < 20; round++) {
        const stream = (await client.open(name(0, 1)))!
        if (round % 2 === 0) await stream[Symbol.asyncIterator]().return?.()
        else for await (const _ of stream) break
      }
      expect(await read(10, 10)).toEqual(bytes.slice(10, 20))
    })
  })
}

function writing(get: Get, capabilities: Capabilities): void {
  describe('write', () => {
    test('takes bytes and streams, and says what it stored', async () => {
      const { client, store } = get()
      const bytes = ltxBytes({ min: 1, size: 5000 })
      const info = { ...name(0, 1), size: 5000, createdAt: TIMESTAMP }
      expect(await client.write(name(0, 1), bytes)).toEqual(info)
      expect(await client.write(name(0, 1), streamOf(bytes))).toEqual(info)
      expect(await client.write(name(0, 1), streamOf(bytes, 5000))).toEqual(info)
      expect(await readAll((await client.open(name(0, 1)))!)).toEqual(bytes)
      expect(await store.keys()).toEqual([capabilities.key('app', 0, FILE_1)])
    })

    test('keeps a file that is a header only', async () => {
      const { client } = get()
      const bytes = ltxBytes({ min: 1, size: 100 })
      await client.write(name(0, 1), streamOf(bytes, 100))
      expect(await readAll((await client.open(name(0, 1)))!)).toEqual(bytes)
    })

    test('copies what it is given: the caller may use its Buffer again', async () => {
      const { client } = get()
      const bytes = ltxBytes({ min: 1, size: 5000 })
      const buffer = Buffer.from(bytes)
      await client.write(name(0, 1), buffer)
      buffer.fill(0)
      const read = await readAll((await client.open(name(0, 1)))!)
      expect(read).toEqual(bytes)
      read.fill(0)
      expect(await readAll((await client.open(name(0, 1)))!)).toEqual(bytes)
    })

    test('replaces', async () => {
      const { client } = get()
      await client.write(name(9, 1, 5), ltxBytes({ min: 1, max: 5, size: 9000 }))
      const bytes = ltxBytes({ min: 1, max: 5, size: 2000, timestamp: TIMESTAMP + 1000 })
      await client.write(name(9, 1, 5), bytes)
      expect(await readAll((await client.open(name(9, 1, 5)))!)).toEqual(bytes)
    })

    test.each([
      ['nothing', new Uint8Array(0)],
      ['too few bytes', ltxBytes({ min: 1 }).slice(0, 99)],
      ['no LTX file', new Uint8Array(1000)],
      ['another file', ltxBytes({ min: 2 })],
    ])('refuses %s before anything is written', async (_, bytes) => {
      const { client, store } = get()
      for (const body of [bytes, streamOf(bytes)]) {
        await expect(client.write(name(0, 1), body)).rejects.toMatchObject({
          code: 'STORAGE_BAD_LTX_HEADER',
          retryable: false,
        })
      }
      expect(await store.keys()).toEqual([])
    })

    test('leaves nothing visible when its source fails', async () => {
      const { client, store } = get()
      let closed = false
      async function* failing() {
        try {
          yield* streamOf(ltxBytes({ min: 1, size: 50_000 }))
          throw new Error('source failed')
        } finally {
          closed = true
        }
      }
      await expect(client.write(name(0, 1), failing())).rejects.toThrow('source failed')
      expect(closed).toBe(true)
      expect(await store.keys()).toEqual([])
      expect(await listAll(client, 0)).toEqual([])
    })
  })
}

function exclusiveWriting(get: Get, capabilities: Capabilities): void {
  describe('exclusive writing', () => {
    test('exclusive refuses an existing file and keeps it', async () => {
      const { client } = get()
      const first = ltxBytes({ min: 1, size: 700 })
      await client.write(name(0, 1), first, { exclusive: true })
      for (const body of [ltxBytes({ min: 1, size: 800 }), streamOf(ltxBytes({ min: 1, size: 800 }))]) {
        await expect(client.write(name(0, 1), body, { exclusive: true })).rejects.toMatchObject({
          code: 'STORAGE_PRECONDITION_FAILED',
          retryable: false,
        })
      }
      expect(await readAll((await client.open(name(0, 1)))!)).toEqual(first)
      expect(client.createsExclusively).toBe(true)
    })

    test('exclusive: of 16 at once, one wins', async () => {
      const { store } = get()
      const bodies = Array.from({ length: 16 }, (_, index) => ltxBytes({ min: 1, size: 500 + index }))
      const results = await Promise.allSettled(
        bodies.map((body) => store.client('app').write(name(0, 1), body, { exclusive: true })),
      )
      const won = results.flatMap((result, index) => (result.status === 'fulfilled' ? [index] : []))
      expect(won).toHaveLength(1)
      for (const result of results) {
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'STORAGE_PRECONDITION_FAILED' })
      }
      expect(await readAll((await store.client('app').open(name(0, 1)))!)).toEqual(bodies[won[0]!])
      expect(await store.keys()).toEqual([capabilities.key('app', 0, FILE_1)])
    })
  })
}

function deleting(get: Get, capabilities: Capabilities): void {
  describe('delete', () => {
    test('removes what it is told to; absent files are fine', async () => {
      const { client } = get()
      for (const min of [1, 2, 3]) await client.write(name(0, min), ltxBytes({ min }))
      await client.delete([name(0, 1), name(0, 3), name(0, 7), name(5, 1)])
      expect(ranges(await listAll(client, 0))).toEqual(['2-2'])
      await client.delete([])
      await client.delete([name(0, 1)])
      expect(ranges(await listAll(client, 0))).toEqual(['2-2'])
    })

    test('deleteAll takes everything of this replica, v0.3 data too, and nothing else (facts 2.1)', async () => {
      const { client, store } = get()
      await client.write(name(0, 1), ltxBytes({ min: 1 }))
      await client.write(name(9, 1, 8), ltxBytes({ min: 1, max: 8 }))
      await store.putRaw('app/generations/0123456789abcdef/snapshots/00000000.snapshot.lz4', new Uint8Array([1]))
      const others = ['app2/ltx/0/x', 'app.bak', 'ap', 'other/app/x', capabilities.key('app2', 0, FILE_1)]
      for (const key of others) await store.putRaw(key, new Uint8Array([1]))
      await client.deleteAll()
      expect(await store.keys()).toEqual([...others].sort())
      await client.deleteAll()
      expect(await listAll(client, 0)).toEqual([])
    })
  })
}

function aborting(get: Get): void {
  describe('signal', () => {
    const reason = new Error('enough')

    test('aborted before: nothing happens', async () => {
      const { client, store } = get()
      const signal = AbortSignal.abort(reason)
      await expect(collect(client.list(0, { signal }))).rejects.toBe(reason)
      await expect(client.open(name(0, 1), { signal })).rejects.toBe(reason)
      await expect(client.write(name(0, 1), ltxBytes({ min: 1 }), { signal })).rejects.toBe(reason)
      await expect(client.delete([name(0, 1)], signal)).rejects.toBe(reason)
      await expect(client.deleteAll(signal)).rejects.toBe(reason)
      expect(await store.keys()).toEqual([])
    })

    test('aborted while writing: nothing is left', async () => {
      const { client, store } = get()
      const controller = new AbortController()
      async function* endless() {
        yield ltxBytes({ min: 1, size: 1000 })
        for (let chunk = 0; ; chunk++) {
          if (chunk === 3) controller.abort(reason)
          yield new Uint8Array(1_000_000)
        }
      }
      const writing = client.write(name(0, 1), endless(), { signal: controller.signal })
      await expect(writing).rejects.toBe(reason)
      expect(await store.keys()).toEqual([])
    })

    readingAborted(get)
  })
}

function abortedReading(get: Get): void {
  describe('signal', () => {
    test('aborted before: nothing happens', async () => {
      const { client } = get()
      const reason = new Error('enough')
      const signal = AbortSignal.abort(reason)
      await expect(collect(client.list(0, { signal }))).rejects.toBe(reason)
      await expect(client.open(name(0, 1), { signal })).rejects.toBe(reason)
    })

    readingAborted(get)
  })
}

function readingAborted(get: Get): void {
  test('aborted while reading', async () => {
    const { client, writer } = get()
    const reason = new Error('enough')
    await writer.write(name(0, 1), ltxBytes({ min: 1, size: 3_000_000 }))
    const controller = new AbortController()
    const stream = (await client.open(name(0, 1), { signal: controller.signal }))!
    const iterator = stream[Symbol.asyncIterator]()
    controller.abort(reason)
    await expect(iterator.next()).rejects.toBe(reason)
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })
}

function paths(get: Get, capabilities: Capabilities): void {
  test.each(['a b', '100%', '%20', 'süß/日本', 'a+b&c=d', "it's", 'x/y/z', 'a#b?c'])('path %j', async (path) => {
    const { store } = get()
    const client = store.client(path)
    const writer = store.writer?.(path) ?? client
    const bytes = ltxBytes({ min: 1 })
    await writer.write(name(0, 1), bytes)
    expect(await store.keys()).toEqual([capabilities.key(path, 0, FILE_1)])
    expect(ranges(await listAll(client, 0))).toEqual(['1-1'])
    expect(ranges(await listAll(client, 0, 1n))).toEqual(['1-1'])
    expect(await readAll((await client.open(name(0, 1)))!)).toEqual(bytes)
    await writer.delete([name(0, 1)])
    expect(await store.keys()).toEqual([])
  })
}
