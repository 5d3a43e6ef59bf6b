import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { listLevel } from '../../replica/index.ts'
import { memoryReplica, type OpenOptions, openReplica, type ReplicaClient } from '../../storage/node.ts'
import { isWriterError, type WriterError } from '../../writer/errors.ts'
import { planRestoreFiles, type RestoreOptions, restore } from '../../writer/restore.ts'
import { mergeFiles } from '../../writer/restore-merge.ts'
import { tempDir } from '../support/temp-dir.ts'
import { Bucket, damage, EPOCH, flipBit } from './restore-bucket.ts'

const output = () => join(tempDir(), 'restored.db')

/** L9 1-3, L1 4-6 and 7-8, L0 1 to 10. */
async function usualBucket(options: { client?: ReplicaClient; pageSize?: number } = {}): Promise<Bucket> {
  const bucket = new Bucket(options)
  for (let i = 0; i < 10; i++) await bucket.insertAndUpload(40)
  await bucket.upload(9, 1, 3)
  await bucket.upload(1, 4, 6)
  await bucket.upload(1, 7, 8)
  return bucket
}

async function failure(promise: Promise<unknown>): Promise<WriterError> {
  const error = await promise.then(
    () => new Error('did not fail'),
    (error) => error,
  )
  if (isWriterError(error)) return error
  throw error
}

describe('what is restored', () => {
  test.each([512, 4096, 65536])('every TXID, byte for byte (pages of %i bytes)', async (pageSize) => {
    const bucket = await usualBucket({ pageSize })
    for (let txid = 1; txid <= 10; txid++) {
      const path = output()
      const result = await restore(bucket.client, path, { txid: BigInt(txid), integrityCheck: 'full' })
      expect(readFileSync(path).equals(bucket.images[txid]!)).toBe(true)
      expect(result).toMatchObject({ txid: BigInt(txid), pageSize, commit: bucket.images[txid]!.length / pageSize })
      expect(readdirSync(dirname(path))).toEqual(['restored.db'])
    }
  })

  test('the newest state, from a directory', async () => {
    const client = await openReplica(`file://${join(tempDir(), 'replica')}`)
    const bucket = await usualBucket({ client })
    const path = join(tempDir(), 'made', 'for', 'it', 'restored.db')
    const result = await restore(client, path)
    expect(readFileSync(path).equals(bucket.images[10]!)).toBe(true)
    expect(result.files.map((file) => file.level)).toEqual([9, 1, 1, 0, 0])
    expect(result.bytes).toBe(result.files.reduce((sum, file) => sum + file.size, 0))
  })

  test('a time: strictly before it, by the files own timestamps', async () => {
    const bucket = await usualBucket()
    const path = output()
    expect((await restore(bucket.client, path, { timestamp: EPOCH + 4000 })).txid).toBe(4n)
    expect(readFileSync(path).equals(bucket.images[4]!)).toBe(true)
    expect((await restore(bucket.client, output(), { timestamp: EPOCH + 4001 })).txid).toBe(5n)
  })

  test('a database that shrank, and grew again', async () => {
    const bucket = new Bucket()
    await bucket.insertAndUpload(400)
    for (const sql of ['DELETE FROM t WHERE id > 20; PRAGMA incremental_vacuum', 'VACUUM']) {
      const txid = bucket.commit(sql)
      await bucket.upload(0, txid, txid)
    }
    await bucket.insertAndUpload(600)
    expect(bucket.images[2]!.length).toBeLessThan(bucket.images[1]!.length)
    for (const txid of [2n, 3n, 4n]) {
      const path = output()
      await restore(bucket.client, path, { txid, integrityCheck: 'full' })
      expect(readFileSync(path).equals(bucket.images[Number(txid)]!)).toBe(true)
    }
  })

  test('files in both frame forms', async () => {
    const bucket = new Bucket()
    bucket.insert(50)
    bucket.insert(50)
    await bucket.upload(9, 1, 1, 'legacy')
    await bucket.upload(0, 2, 2, 'block')
    const path = output()
    await restore(bucket.client, path)
    expect(readFileSync(path).equals(bucket.images[2]!)).toBe(true)
  })

  test('more files than are merged at once', async () => {
    const bucket = new Bucket({ pageSize: 512 })
    for (let i = 0; i < 300; i++) await bucket.insertAndUpload(i % 7)
    const path = output()
    expect((await restore(bucket.client, path, { integrityCheck: 'quick' })).files).toHaveLength(300)
    expect(readFileSync(path).equals(bucket.images[300]!)).toBe(true)
  })

  test('a plan alone (dry run) writes nothing and reads one header', async () => {
    const bucket = await usualBucket()
    const path = output()
    const opened: (OpenOptions | undefined)[] = []
    const client = intercept(bucket.client, async (open, _file, options) => {
      opened.push(options)
      return await open()
    })
    const result = await restore(client, path, { dryRun: true, integrityCheck: 'full' })
    expect(result).toMatchObject({ txid: 10n, pageSize: 4096, commit: bucket.images[10]!.length / 4096 })
    expect(opened).toEqual([{ offset: 0, size: 100 }])
    expect(readdirSync(dirname(path))).toEqual([])
    expect((await planRestoreFiles(client)).files).toEqual(result.files)
  })
})

describe('downloads', () => {
  test('run side by side, no more than asked for, large files in parts', async () => {
    const bucket = new Bucket()
    bucket.insert(50_000)
    await bucket.upload(9, 1, 1)
    for (let i = 0; i < 20; i++) await bucket.insertAndUpload(5)
    let running = 0
    let most = 0
    const offsets: number[] = []
    const client = intercept(bucket.client, async (open, file, options) => {
      running++
      most = Math.max(most, running)
      if (file.level === 9) offsets.push(options?.offset ?? 0)
      await new Promise((resolve) => setTimeout(resolve, 5))
      running--
      return await open()
    })
    const path = output()
    const progress: number[] = []
    const onProgress = ({ bytes, totalBytes }: { bytes: number; totalBytes: number }) => {
      progress.push(bytes / totalBytes)
    }
    await restore(client, path, { parallelism: 4, onProgress })
    expect(readFileSync(path).equals(bucket.images.at(-1)!)).toBe(true)
    expect(most).toBe(4)
    expect(offsets.length).toBeGreaterThan(1)
    expect(progress).toEqual([...progress].sort((a, b) => a - b))
    expect(progress.at(-1)).toBe(1)
  })

  test('go on when the memory is full of parts of other files', async () => {
    const bucket = new Bucket()
    for (let i = 0; i < 12; i++) await bucket.insertAndUpload(1500)
    const files = await listLevel(bucket.client, 0)
    let pages = 0
    const header = await mergeFiles(bucket.client, files, {
      parallelism: 3,
      memoryBytes: 1,
      open: () => () => {
        pages++
        return undefined
      },
    })
    expect(pages).toBe(header.commit)
  })

  test('abort: the reason is thrown and nothing is left', async () => {
    const bucket = await usualBucket()
    const abort = new AbortController()
    const client = intercept(bucket.client, async (open) => {
      abort.abort(new Error('enough'))
      return await open()
    })
    const path = output()
    await expect(restore(client, path, { signal: abort.signal })).rejects.toThrow('enough')
    expect(readdirSync(dirname(path))).toEqual([])
  })
})

describe('option checks, facts 6.1', () => {
  const contradictions: [string, RestoreOptions][] = [
    ['a TXID and a time', { txid: 1n, timestamp: EPOCH }],
    ['TXID 0', { txid: 0n }],
    ['no time at all', { timestamp: Number.NaN }],
    ['no requests', { parallelism: 0 }],
    ['an unknown check', { integrityCheck: 'some' as 'full' }],
  ]
  test.each(contradictions)('%s', async (_name, options) => {
    expect((await failure(restore(memoryReplica(), output(), options))).code).toBe('WRITER_USAGE')
  })

  test('an output that exists is kept, unless forced', async () => {
    const bucket = await usualBucket()
    const path = output()
    writeFileSync(path, 'precious')
    expect((await failure(restore(bucket.client, path))).code).toBe('WRITER_OUTPUT_EXISTS')
    expect(readFileSync(path, 'utf8')).toBe('precious')
    await restore(bucket.client, path, { force: true })
    expect(readFileSync(path).equals(bucket.images[10]!)).toBe(true)
  })

  test.each(['-wal', '-shm', '-journal'])('so is a left-over %s', async (suffix) => {
    const bucket = await usualBucket()
    const path = output()
    writeFileSync(path + suffix, 'stale')
    const error = await failure(restore(bucket.client, path))
    expect(error).toMatchObject({ code: 'WRITER_OUTPUT_EXISTS', at: { path: path + suffix } })
    writeFileSync(`${path}-txid`, '0000000000000001\n')
    await restore(bucket.client, path, { force: true })
    expect(readdirSync(dirname(path))).toEqual(['restored.db'])
  })

  test('an empty file is replaced, a directory never', async () => {
    const bucket = await usualBucket()
    const path = output()
    writeFileSync(path, '')
    await restore(bucket.client, path)
    mkdirSync(`${path}.d`)
    const error = await failure(restore(bucket.client, `${path}.d`, { force: true }))
    expect(error.code).toBe('WRITER_OUTPUT_IS_DIRECTORY')
  })

  test('a failed restore leaves the old database as it was', async () => {
    const bucket = new Bucket()
    bucket.insert(50)
    await damage(bucket.client, await bucket.upload(9, 1, 1), flipBit)
    const path = output()
    writeFileSync(path, 'precious')
    writeFileSync(`${path}-wal`, 'precious too')
    expect((await failure(restore(bucket.client, path, { force: true }))).code).toBe('WRITER_CORRUPT_REPLICA')
    expect(readFileSync(path, 'utf8')).toBe('precious')
    expect(readdirSync(dirname(path)).sort()).toEqual(['restored.db', 'restored.db-wal'])
  })
})

describe('states that cannot be restored', () => {
  test('an empty replica', async () => {
    expect((await failure(restore(memoryReplica(), output()))).code).toBe('WRITER_NO_BACKUP')
    expect((await failure(restore(memoryReplica(), output(), { txid: 3n }))).code).toBe('WRITER_NO_BACKUP')
  })

  test('a TXID: the range and its neighbours are named', async () => {
    const bucket = await usualBucket()
    await bucket.client.delete((await listLevel(bucket.client, 0)).filter((file) => file.maxTXID < 9n))
    const error = await failure(restore(bucket.client, output(), { txid: 7n }))
    expect(error).toMatchObject({ code: 'WRITER_TX_NOT_AVAILABLE', at: { txid: 7n } })
    expect(error.hint).toMatch(/from 0{15}3 to 0{15}a, the nearest to yours: 0{15}6 and 0{15}8\.$/)
  })

  test('a time before the first state', async () => {
    const bucket = await usualBucket()
    const error = await failure(restore(bucket.client, output(), { timestamp: EPOCH }))
    expect(error.code).toBe('WRITER_TX_NOT_AVAILABLE')
    expect(error.hint).toBe('Choose a time after 2026-01-02T00:00:00.000Z, when the first state available was made.')
  })

  test('a hole: named, with the last state before it', async () => {
    const bucket = await usualBucket()
    await bucket.client.delete([{ level: 0, minTXID: 9n, maxTXID: 9n }])
    const error = await failure(restore(bucket.client, output()))
    expect(error.code).toBe('WRITER_GAP')
    expect(error.message).toMatch(/TXID 0{15}9 is missing$/)
    expect(error.hint).toMatch(/TXID 0{15}8/)
  })

  test('a hole before a time: restored up to it, with a warning', async () => {
    const bucket = await usualBucket()
    await bucket.client.delete([{ level: 0, minTXID: 9n, maxTXID: 9n }])
    const warnings: string[] = []
    const onWarning = (message: string) => {
      warnings.push(message)
    }
    expect((await restore(bucket.client, output(), { timestamp: EPOCH + 1e6, onWarning })).txid).toBe(8n)
    expect(warnings.join()).toMatch(/hole: TXID 0{15}9 is missing/)
  })
})

describe('damaged files, facts 11', () => {
  const damages: [string, (bytes: Uint8Array) => Uint8Array][] = [
    ['a bit turned over', flipBit],
    ['cut short', (bytes) => bytes.slice(0, bytes.length >> 1)],
    ['less than a trailer left', (bytes) => bytes.slice(0, 110)],
    ['with something appended', (bytes) => new Uint8Array([...bytes, 1])],
  ]
  test.each(damages)('%s: other files that lead to the same state are used', async (_name, change) => {
    const bucket = await usualBucket()
    const [damagedL1] = await listLevel(bucket.client, 1)
    await damage(bucket.client, damagedL1!, change)
    const warnings: string[] = []
    const onWarning = (message: string) => {
      warnings.push(message)
    }
    const path = output()
    const result = await restore(bucket.client, path, { onWarning })
    expect(readFileSync(path).equals(bucket.images[10]!)).toBe(true)
    expect(result.files.map((file) => file.level)).toEqual([9, 0, 0, 0, 1, 0, 0])
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatch(/1\/0{15}4-0{15}6\.ltx/)
  })

  test('a damaged snapshot is avoided by an older one', async () => {
    const bucket = await usualBucket()
    await damage(bucket.client, await bucket.upload(9, 1, 9), flipBit)
    const path = output()
    expect((await restore(bucket.client, path)).files[0]!.maxTXID).toBe(3n)
    expect(readFileSync(path).equals(bucket.images[10]!)).toBe(true)
  })

  test('never by restoring an older state: it is an error that names the file and what is left', async () => {
    const bucket = await usualBucket()
    const last = (await listLevel(bucket.client, 0)).at(-1)!
    await damage(bucket.client, last, flipBit)
    const path = output()
    const error = await failure(restore(bucket.client, path))
    expect(error.code).toBe('WRITER_CORRUPT_REPLICA')
    expect(error.at.key).toBe('0/000000000000000a-000000000000000a.ltx')
    expect(error.hint).toMatch(/^Restore TXID 0{15}9, /)
    expect(readdirSync(dirname(path))).toEqual([])
  })

  test('a file under a wrong name', async () => {
    const bucket = await usualBucket()
    const body = bucket.encode(9n, 10n)
    const wrong = { level: 0, minTXID: 11n, maxTXID: 11n }
    await bucket.client.write({ level: 0, minTXID: 9n, maxTXID: 10n }, body)
    const memory = bucket.client as ReturnType<typeof memoryReplica>
    const key = [...memory.bucket.keys()].find((name) => name.endsWith('0/0000000000000009-000000000000000a.ltx'))!
    memory.bucket.set(key.replace('0000000000000009-000000000000000a', '000000000000000b-000000000000000b'), {
      bytes: body,
      createdAt: 0,
    })
    expect(await failure(restore(bucket.client, output()))).toMatchObject({
      code: 'WRITER_CORRUPT_REPLICA',
      at: { key: `${wrong.level}/000000000000000b-000000000000000b.ltx` },
    })
  })

  test('a growth page that no file holds', async () => {
    const bucket = new Bucket()
    bucket.insert(50)
    const grown = bucket.insert(50)
    await bucket.upload(9, 1, 1)
    // As if the database had been this large before: the file then leaves out the pages that did not change.
    bucket.images[1] = bucket.images[2]!.subarray(0, bucket.images[2]!.length)
    await bucket.upload(0, grown, grown)
    expect((await failure(restore(bucket.client, output()))).code).toBe('WRITER_CORRUPT_REPLICA')
  })

  test('a database that SQLite finds damaged', async () => {
    const bucket = new Bucket()
    bucket.insert(200)
    bucket.images[1]!.fill(0xa5, 5 * 4096 + 8, 6 * 4096)
    await bucket.upload(9, 1, 1)
    const path = output()
    for (const integrityCheck of ['quick', 'full'] as const) {
      const error = await failure(restore(bucket.client, path, { integrityCheck }))
      expect(error.code).toBe('WRITER_INTEGRITY')
      expect(readdirSync(dirname(path))).toEqual([])
    }
    await restore(bucket.client, path)
    expect(existsSync(path)).toBe(true)
  })
})

describe('files that vanish under a restore (#1270)', () => {
  test('a new plan is made', async () => {
    const bucket = await usualBucket()
    let vanished = false
    const client = intercept(bucket.client, async (open, file) => {
      if (file.level === 1 && !vanished) {
        vanished = true
        await bucket.client.delete(await listLevel(bucket.client, 1))
        await bucket.upload(2, 4, 8)
      }
      return await open()
    })
    const path = output()
    const result = await restore(client, path)
    expect(result.files.map((file) => file.level)).toEqual([9, 2, 0, 0])
    expect(readFileSync(path).equals(bucket.images[10]!)).toBe(true)
  })

  test('not for ever', async () => {
    const bucket = await usualBucket()
    let opened = 0
    const client = intercept(bucket.client, async () => {
      opened++
      return undefined
    })
    expect((await failure(restore(client, output()))).message).toMatch(/no longer exists/)
    expect(opened).toBeLessThan(100)
  })

  test('one that is listed but never there counts as damaged', async () => {
    const bucket = await usualBucket()
    const client = intercept(bucket.client, async (open, file) => (file.level === 9 ? undefined : await open()))
    const path = output()
    expect((await restore(client, path)).files.map((file) => file.level)).toEqual([0, 0, 0, 1, 1, 0, 0])
    expect(readFileSync(path).equals(bucket.images[10]!)).toBe(true)
  })

  test('a listing that caught files between two levels is made again', async () => {
    const bucket = await usualBucket()
    let lists = 0
    const client = intercept(bucket.client, (open) => open())
    client.list = async function* (level, options) {
      // The first listing of L0 comes after retention, the first one of L1 before the compaction.
      if (lists++ < 10 && level === 0) return yield* tail(bucket.client, 9n)
      if (lists <= 10 && level === 1) return
      yield* bucket.client.list(level, options)
    }
    const path = output()
    await restore(client, path)
    expect(readFileSync(path).equals(bucket.images[10]!)).toBe(true)
    expect(lists).toBe(20)
  })
})

async function* tail(client: ReplicaClient, from: bigint) {
  for (const file of await listLevel(client, 0)) if (file.minTXID >= from) yield file
}

type Open = ReplicaClient['open']

function intercept(
  client: ReplicaClient,
  open: (
    original: () => ReturnType<Open>,
    file: Parameters<Open>[0],
    options: OpenOptions | undefined,
  ) => ReturnType<Open>,
): ReplicaClient {
  const wrapped = Object.create(client) as ReplicaClient
  wrapped.list = (level, options) => client.list(level, options)
  wrapped.open = (file, options) => open(() => client.open(file, options), file, options)
  return wrapped
}
