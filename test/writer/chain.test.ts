import { truncateSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { commitOf, decodeHeader, HEADER_SIZE, predecessorOf } from '../../ltx/index.ts'
import { type LtxFileName, type ReplicaClient, readAll, StorageError } from '../../storage/index.ts'
import { compactLevel } from '../../writer/compaction.ts'
import { Replicator, restore } from '../../writer/index.ts'
import { Primary } from '../../writer/primary.ts'
import { Uploader } from '../../writer/uploader.ts'
import { altered } from '../support/altered-client.ts'
import { tempDir } from '../support/temp-dir.ts'
import { type Workbench, workbench } from './workbench.ts'

const SETUP = 'CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)'
const RETENTION_MS = 300_000

const at = (level: number, min: bigint, max = min): LtxFileName => ({ level, minTXID: min, maxTXID: max })

async function readFile(client: ReplicaClient, file: LtxFileName): Promise<Uint8Array> {
  return await readAll((await client.open(file))!)
}

/** What a file says of its commit and of the one before it. */
async function names(client: ReplicaClient, file: LtxFileName): Promise<[commit: number, predecessor: number]> {
  const bytes = await readFile(client, file)
  const { nodeID } = decodeHeader(bytes.subarray(0, HEADER_SIZE))
  return [commitOf(nodeID), predecessorOf(nodeID)]
}

async function commit(bench: Workbench, text: string): Promise<bigint> {
  bench.app.exec(`INSERT INTO t (v) VALUES ('${text}')`)
  return await bench.replicate()
}

/** Clocks that stand still until they are told otherwise. */
function clocks() {
  const time = { monotonic: 0, wall: 1_000_000 }
  return { time, clocks: { monotonic: () => time.monotonic, wall: () => time.wall } }
}

/** A writer whose file of the next TXID has been made and not uploaded, in a bucket that another one has come to. */
async function cutOff() {
  const bench = await workbench({ setup: SETUP })
  const { time, clocks: both } = clocks()
  const uploader = new Uploader(bench.client, bench.primary, { l0RetentionMs: RETENTION_MS, clocks: both })
  for (const text of ['a', 'b']) {
    bench.app.exec(`INSERT INTO t (v) VALUES ('${text}')`)
    await bench.primary.sync({ complete: true })
  }
  await uploader.upload()
  const last = bench.primary.txid
  bench.app.exec("INSERT INTO t (v) VALUES ('mine')")
  await bench.primary.sync({ complete: true })
  return { bench, uploader, time, last, next: last + 1n }
}

/** Another host restores the bucket and goes on from there. @returns its own application */
async function takeOver(bench: Workbench, text = 'theirs'): Promise<Primary> {
  const path = `${tempDir()}/other.db`
  await restore(bench.client, path)
  const { DatabaseSync } = await import('node:sqlite')
  const app = new DatabaseSync(path)
  app.exec(`PRAGMA journal_mode = wal; INSERT INTO t (v) VALUES ('${text}')`)
  const primary = new Primary(path)
  await primary.open(bench.client)
  await primary.sync({ complete: true })
  await new Uploader(bench.client, primary, { l0RetentionMs: RETENTION_MS }).upload()
  await primary.close()
  app.close()
  return primary
}

describe('each file names its commit, and the one that it goes on from', () => {
  test('of level 0, after a restart, in a snapshot, and compacted', async () => {
    let bench = await workbench({ setup: SETUP })
    for (const text of ['a', 'b']) await commit(bench, text)
    bench = await bench.restartPrimary()
    const last = await commit(bench, 'c')
    let before = 0
    for (let txid = 1n; txid <= last; txid++) {
      const [name, predecessor] = await names(bench.client, at(0, txid))
      expect(name).toBeGreaterThan(0)
      expect(predecessor).toBe(before)
      before = name
    }
    await bench.primary.snapshot(async (txid, stream) => bench.client.write(at(9, 1n, txid), stream))
    expect(await names(bench.client, at(9, 1n, last))).toEqual([before, 0])
    await compactLevel(bench.client, 1)
    expect(await names(bench.client, at(1, 1n, last))).toEqual([before, 0])
  })

  test('a database that was restored and goes on is of the same history', async () => {
    const bench = await workbench({ setup: SETUP })
    const last = await commit(bench, 'a')
    await takeOver(bench)
    const [name] = await names(bench.client, at(0, last))
    expect((await names(bench.client, at(0, last + 1n)))[1]).toBe(name)
  })
})

describe('a writer that was cut off', () => {
  test('does not go on behind what another one has put there', async () => {
    const { bench, uploader, last } = await cutOff()
    await takeOver(bench)
    const before = new Map(await contents(bench.client))
    await expect(uploader.upload()).rejects.toMatchObject({ code: 'WRITER_SECOND_WRITER', at: { txid: last + 1n } })
    // Asked anew where the replica stands, it sees the same.
    await expect(uploader.upload()).rejects.toMatchObject({ code: 'WRITER_SECOND_WRITER' })
    expect(new Map(await contents(bench.client))).toEqual(before)
    expect(uploader.durable).toBe(last)
  })

  test('nor where the other one has gone further than it', async () => {
    const { bench, uploader } = await cutOff()
    for (const text of ['one', 'two', 'three']) await takeOver(bench, text)
    await expect(uploader.upload()).rejects.toMatchObject({ code: 'WRITER_SECOND_WRITER' })
    await expect(uploader.upload()).rejects.toMatchObject({ code: 'WRITER_SECOND_WRITER' })
  })

  test('that stood still until its name was free again: its file is taken back, and nothing called durable', async () => {
    const { bench, uploader, time, last, next } = await cutOff()
    await takeOver(bench)
    await compactLevel(bench.client, 1)
    await bench.client.delete([at(0, next)]) // retention
    time.monotonic += RETENTION_MS / 2
    const durable: bigint[] = []
    const uploading = uploader.upload({ onFile: ({ maxTXID }) => void durable.push(maxTXID) })
    await expect(uploading).rejects.toMatchObject({ code: 'WRITER_SECOND_WRITER', at: { txid: next } })
    expect([durable, uploader.durable]).toEqual([[], last])
    expect(await bench.client.open(at(0, next))).toBeUndefined()
  })

  test('a machine that slept: its monotonic clock did, too', async () => {
    const { bench, uploader, time, next } = await cutOff()
    await takeOver(bench)
    await compactLevel(bench.client, 1)
    await bench.client.delete([at(0, next)])
    time.wall += RETENTION_MS
    await expect(uploader.upload()).rejects.toMatchObject({ code: 'WRITER_SECOND_WRITER' })
  })

  test('who stood still alone goes on: nothing above has its TXID, or only a snapshot of its own', async () => {
    const { bench, uploader, time, next } = await cutOff()
    await compactLevel(bench.client, 1)
    time.monotonic += RETENTION_MS
    await uploader.upload()
    expect(uploader.durable).toBe(next)
    bench.app.exec("INSERT INTO t (v) VALUES ('later')")
    await bench.primary.sync({ complete: true })
    await bench.primary.snapshot(async (txid, stream) => bench.client.write(at(9, 1n, txid), stream))
    time.monotonic += RETENTION_MS
    await uploader.upload()
    expect(uploader.durable).toBe(bench.primary.txid)
  })

  test('while what was proved is fresh, no level is listed', async () => {
    const { bench, time } = await cutOff()
    const listed: number[] = []
    const client = altered(bench.client, {
      list: (level, options) => {
        listed.push(level)
        return bench.client.list(level, options)
      },
    })
    const { clocks: both } = { clocks: { monotonic: () => time.monotonic, wall: () => time.wall } }
    const uploader = new Uploader(client, bench.primary, { l0RetentionMs: RETENTION_MS, clocks: both })
    for (let i = 0; i < 3; i++) {
      await uploader.upload()
      bench.app.exec("INSERT INTO t (v) VALUES ('x')")
      await bench.primary.sync({ complete: true })
      time.monotonic += RETENTION_MS / 2 - 1
    }
    expect(listed).toEqual([0])
  })
})

test('where level 0 is kept for ever its names are never free again: no level is listed', async () => {
  const bench = await workbench({ setup: SETUP })
  const listed: number[] = []
  const client = altered(bench.client, {
    list: (level, options) => {
      listed.push(level)
      return bench.client.list(level, options)
    },
  })
  const uploader = new Uploader(client, bench.primary, { l0RetentionMs: 0 })
  for (let i = 0; i < 3; i++) {
    bench.app.exec("INSERT INTO t (v) VALUES ('x')")
    await bench.primary.sync({ complete: true })
    await uploader.upload()
  }
  expect(listed).toEqual([0])
})

test('a writer without level 1 looks once whether it can be restored, not at each round', async () => {
  const bench = await workbench({ setup: SETUP })
  await bench.primary.close()
  const listed: number[] = []
  const client = altered(bench.client, {
    list: (level, options) => {
      listed.push(level)
      return bench.client.list(level, options)
    },
  })
  const settings = { levels: [], l0RetentionMs: 60_000, l0RetentionCheckIntervalMs: 10, minSyncIntervalMs: 1 }
  const replicator = new Replicator({ dbPath: bench.path, client, settings })
  await replicator.start()
  onTestFinished(() => replicator.close())
  const rounds = (): number => listed.filter((level) => level === 1).length
  for (let i = 0; rounds() < 6; i++) {
    bench.app.exec(`INSERT INTO t (v) VALUES ('${i}')`)
    await replicator.flush()
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
  expect(listed.filter((level) => level === 5).length).toBeLessThanOrEqual(2)
})

test('an answer that was lost: the file is known by its ends, not read as a whole', async () => {
  const bench = await workbench({ setup: SETUP })
  let lost = 0
  let read = 0
  const client = altered(bench.client, {
    write: async (...args) => {
      const info = await bench.client.write(...args)
      if (lost++ > 0) return info
      throw new StorageError('STORAGE_TIMEOUT', 'There was no answer', { retryable: true })
    },
    open: async (file, options) => {
      const stream = await bench.client.open(file, options)
      return (async function* () {
        for await (const chunk of stream!) {
          read += chunk.length
          yield chunk
        }
      })()
    },
  })
  const uploader = new Uploader(client, bench.primary, { l0RetentionMs: RETENTION_MS })
  bench.app.exec('INSERT INTO t (v) VALUES (hex(randomblob(100000)))')
  await bench.primary.sync({ complete: true })
  await expect(uploader.upload()).rejects.toMatchObject({ code: 'STORAGE_TIMEOUT' })
  await uploader.upload()
  expect(uploader.durable).toBe(bench.primary.txid)
  expect(read).toBeLessThan(300)
})

describe('what is there at opening', () => {
  test('another history that is behind ours, or goes on beyond it: refused, with nothing changed', async () => {
    for (const further of [false, true]) {
      const { bench } = await cutOff()
      if (!further) {
        bench.app.exec("INSERT INTO t (v) VALUES ('mine, too')")
        await bench.primary.sync({ complete: true })
      }
      for (const text of further ? ['one', 'two', 'three'] : ['one']) await takeOver(bench, text)
      const local = await bench.primary.local.txids()
      const before = new Map(await contents(bench.client))
      await bench.primary.close()
      await expect(new Primary(bench.path).open(bench.client)).rejects.toMatchObject({ code: 'WRITER_SECOND_WRITER' })
      expect(await bench.primary.local.txids()).toEqual(local)
      expect(new Map(await contents(bench.client))).toEqual(before)
    }
  })

  test('a local file that is damaged tells nothing of other writers', async () => {
    for (const bytes of [10, 150]) {
      const bench = await workbench({ setup: SETUP })
      const last = await commit(bench, 'a')
      bench.app.exec("INSERT INTO t (v) VALUES ('not uploaded')")
      await bench.primary.sync({ complete: true })
      await bench.primary.close()
      truncateSync(bench.primary.local.file(last), bytes)
      const primary = new Primary(bench.path)
      await primary.open(bench.client)
      expect(primary.txid).toBe(last + 1n)
      await primary.close()
    }
  })

  test('the same history, further on: with a full image from there', async () => {
    const bench = await workbench({ setup: SETUP })
    await commit(bench, 'a')
    await takeOver(bench, 'theirs')
    const next = await bench.restartPrimary()
    const last = await commit(next, 'mine')
    expect(await next.restored()).toEqual(next.truth())
    expect(last).toBeGreaterThan(2n)
  })
})

/** Every file, by level and TXIDs. */
async function contents(client: ReplicaClient): Promise<[string, string][]> {
  const all: [string, string][] = []
  for (let level = 0; level <= 9; level++) {
    for await (const file of client.list(level)) {
      all.push([
        `${level} ${file.minTXID} ${file.maxTXID}`,
        Buffer.from(await readFile(client, file)).toString('base64'),
      ])
    }
  }
  return all
}

test('a place that is emptied while the writer runs has a snapshot again soon', async () => {
  const bench = await workbench({ setup: SETUP })
  await bench.primary.close()
  const levels = [{ level: 1, intervalMs: 20 }]
  const settings = { levels, l0RetentionMs: 20, l0RetentionCheckIntervalMs: 20, minSyncIntervalMs: 1 }
  const replicator = new Replicator({ dbPath: bench.path, client: bench.client, settings })
  await replicator.start()
  onTestFinished(() => replicator.close())
  bench.app.exec("INSERT INTO t (v) VALUES ('a')")
  await replicator.flush()
  await until(async () => (await Array.fromAsync(bench.client.list(1))).length > 0)
  await new Promise((resolve) => setTimeout(resolve, 100)) // retention has looked
  await bench.client.deleteAll()
  bench.app.exec("INSERT INTO t (v) VALUES ('b')")
  await replicator.flush()
  await until(async () => (await Array.fromAsync(bench.client.list(9))).length > 0)
  expect(await bench.restored()).toEqual(bench.truth())
})

test('flush() of a database that is replicated already, after a restart: at once', async () => {
  const bench = await workbench({ setup: SETUP })
  await commit(bench, 'a')
  await bench.primary.close()
  for (let i = 0; i < 2; i++) {
    const replicator = new Replicator({ dbPath: bench.path, client: bench.client })
    await replicator.start()
    expect(await replicator.flush()).toBe(replicator.primary.txid)
    await replicator.close()
  }
})

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10))
}
