import { beforeEach, describe, expect, test } from 'vitest'
import {
  type ByteStream,
  type ListOptions,
  type LtxFileInfo,
  type LtxFileName,
  MemoryReplica,
  type OpenOptions,
  type RetryOptions,
  readAll,
  StorageError,
  type WriteOptions,
  withCounting,
  withRetry,
} from '../../storage/index.ts'
import { altered } from '../support/altered-client.ts'
import { collect, ltxBytes, name, ranges, streamOf } from './ltx-bytes.ts'

const broken = (): StorageError => new StorageError('STORAGE_UNREACHABLE', 'the line broke')

/** A real replica on a line that breaks: `faults` decides, after how many files or bytes of each call. */
class BreakingReplica extends MemoryReplica {
  /** Taken from the front by each call; undefined lets the call pass. */
  faults: (number | undefined)[] = []

  override async *list(level: number, options: ListOptions = {}): AsyncIterable<LtxFileInfo> {
    const breakAfter = this.faults.shift()
    let given = 0
    for await (const file of super.list(level, options)) {
      if (given === breakAfter) throw broken()
      yield file
      given += 1
    }
    if (given === breakAfter) throw broken()
  }

  override async open(file: LtxFileName, options: OpenOptions = {}): Promise<ByteStream | undefined> {
    const breakAfter = this.faults.shift()
    if (breakAfter === 0) throw broken()
    const stream = await super.open(file, options)
    return stream && breakingStream(stream, breakAfter)
  }

  override async write(
    file: LtxFileName,
    body: Uint8Array | ByteStream,
    options: WriteOptions = {},
  ): Promise<LtxFileInfo> {
    if (this.faults.shift() !== undefined) throw broken()
    return super.write(file, body, options)
  }

  override async delete(files: readonly LtxFileName[], signal?: AbortSignal): Promise<void> {
    if (this.faults.shift() !== undefined) throw broken()
    return super.delete(files, signal)
  }
}

async function* breakingStream(stream: ByteStream, breakAfter: number | undefined): ByteStream {
  let given = 0
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length; at += 100) {
      if (breakAfter !== undefined && given >= breakAfter) throw broken()
      const part = chunk.subarray(at, at + 100)
      given += part.length
      yield part
    }
  }
}

describe('withRetry', () => {
  let replica: BreakingReplica
  let waits: number[]
  const bytes = ltxBytes({ min: 1, size: 5000 })
  const retrying = (options: RetryOptions = {}) =>
    withRetry(replica, { sleep: async (ms) => void waits.push(ms), random: () => 1, ...options })

  beforeEach(async () => {
    replica = new BreakingReplica()
    waits = []
    for (let min = 1; min <= 6; min++) await replica.write(name(0, min), ltxBytes({ min, size: 5000 }))
    await replica.write(name(0, 3, 9), ltxBytes({ min: 3, max: 9 }))
  })

  const all = ['1-1', '2-2', '3-3', '3-9', '4-4', '5-5', '6-6']

  test('a listing goes on after the last file, whatever breaks where', async () => {
    for (let first = 0; first <= 7; first++) {
      for (let second = 0; second <= 3; second++) {
        replica.faults = [first, second, 0, undefined]
        expect(ranges(await collect(retrying().list(0)))).toEqual(all)
        replica.faults = [first, second]
        expect(ranges(await collect(retrying().list(0, { seek: 3n })))).toEqual(all.slice(2))
      }
    }
  })

  test('a read goes on at the byte where it broke (facts 2.12)', async () => {
    for (const [offset, size] of [
      [0, 0],
      [17, 0],
      [0, 5000],
      [1234, 2000],
    ] as const) {
      for (const faults of [[0], [300], [300, 0, 500], [4900, 100], [100, 100, 100, 100, 100, 100]]) {
        replica.faults = [...faults]
        const stream = await retrying().open(name(0, 1), { offset, size })
        expect(await readAll(stream!)).toEqual(bytes.slice(offset, size > 0 ? offset + size : undefined))
      }
    }
  })

  test('gives up after that many failures without progress, waiting longer each time', async () => {
    replica.faults = [0, 0, 0, 0, 0]
    await expect(retrying().open(name(0, 1))).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE' })
    expect(waits).toEqual([250, 500, 1000])
    expect(replica.faults).toHaveLength(1)

    waits = []
    replica.faults = [300, 0, 0, 0, 0]
    const stream = (await retrying({ attempts: 3, baseMs: 10, maxMs: 15, random: () => 0 }).open(name(0, 1)))!
    await expect(readAll(stream)).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE' })
    expect(waits).toEqual([5, 8])
    expect(replica.faults).toHaveLength(2)
  })

  test('a file that vanishes in mid-read is an error, not an end', async () => {
    replica.faults = [300]
    const stream = (await retrying({ onRetry: () => replica.bucket.clear() }).open(name(0, 1)))!
    await expect(readAll(stream)).rejects.toMatchObject({ code: 'STORAGE_NOT_FOUND', retryable: false })
  })

  test('what cannot get better is not tried again', async () => {
    const client = retrying()
    await expect(client.write(name(0, 8), new Uint8Array(3))).rejects.toMatchObject({ code: 'STORAGE_BAD_LTX_HEADER' })
    const taken = client.write(name(0, 1), bytes, { exclusive: true })
    await expect(taken).rejects.toMatchObject({ code: 'STORAGE_PRECONDITION_FAILED' })
    expect(await client.open(name(0, 99))).toBeUndefined()
    expect(waits).toEqual([])
  })

  test('bytes are written again, a stream is not', async () => {
    replica.faults = [0, 0]
    await retrying().write(name(0, 7), ltxBytes({ min: 7 }))
    replica.faults = [0]
    const writing = retrying().write(name(0, 8), streamOf(ltxBytes({ min: 8 })))
    await expect(writing).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE' })
    replica.faults = [0]
    await retrying().delete([name(0, 7)])
    expect(ranges(await collect(replica.list(0)))).toEqual(all)
  })

  test('an abort ends the waiting', async () => {
    const reason = new Error('enough')
    for (const place of ['call', 'wrapper'] as const) {
      replica.faults = [0, 0, 0]
      const controller = new AbortController()
      const { signal } = controller
      const client = withRetry(replica, {
        baseMs: 60_000,
        maxMs: 60_000,
        onRetry: () => controller.abort(reason),
        ...(place === 'wrapper' && { signal }),
      })
      await expect(client.open(name(0, 1), place === 'call' ? { signal } : {})).rejects.toBe(reason)
    }
  })

  test('a catalog and what a catalog tells are tried again; announcements are passed on', async () => {
    let failures = 2
    const failing = async <T>(value: T): Promise<T> => {
      failures -= 1
      if (failures >= 0) throw broken()
      return value
    }
    const watch = { live: true, close: () => {} }
    const base = altered(replica, {
      listAll: () => failing([]),
      readPageMap: () => failing(bytes),
      writeSidecar: () => failing(undefined),
      watch: () => watch,
    })
    for (const [client, tries] of [
      [withRetry(base, { sleep: async () => {} }), 3],
      [withCounting(withRetry(base, { sleep: async () => {} })).client, 3],
    ] as const) {
      failures = tries - 1
      expect(await client.listAll!()).toEqual([])
      failures = tries - 1
      await client.writeSidecar!('litetap/catalog.json', bytes)
      failures = tries - 1
      expect(await client.readPageMap!()).toBe(bytes)
      expect(client.watch!(() => {})).toBe(watch)
    }
    const { client, counts } = withCounting(base)
    failures = 0
    await client.listAll!()
    await client.writeSidecar!('litetap/pages.map', bytes)
    expect(counts.snapshot()).toMatchObject({ get: 1, put: 1, bytesOut: 0 })
    const plain = withCounting(retrying()).client
    expect([plain.listAll, plain.watch]).toEqual([undefined, undefined])
  })

  test('forwards what it wraps', async () => {
    const client = retrying()
    expect([client.type, client.url, client.createsExclusively]).toEqual(['memory', 'memory:', true])
    const version = await client.lease!.put(new Uint8Array([1]), undefined)
    expect(await client.lease!.get()).toEqual({ body: new Uint8Array([1]), version })
    await client.lease!.delete(version)
  })

  test('counts as calls where there are no requests to see', async () => {
    for (const make of [() => withCounting(retrying()), () => withCounting(replica)]) {
      const { client, counts } = make()
      await collect(client.list(0))
      await readAll((await client.open(name(0, 1), { size: 10 }))!)
      await client.write(name(0, 1), bytes)
      await client.delete([name(0, 1)])
      await client.lease!.get()
      expect(counts.snapshot()).toEqual({
        list: 1,
        get: 2,
        put: 1,
        delete: 1,
        head: 0,
        other: 0,
        total: 5,
        bytesIn: 10,
        bytesOut: 5000,
      })
      expect(counts).toMatchObject({ inFlight: 0, maxInFlight: 1 })
      await replica.write(name(0, 1), bytes)
    }
  })
})
