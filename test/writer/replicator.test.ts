import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  Lease,
  type LtxFileInfo,
  memoryReplica,
  type ReplicaClient,
  StorageError,
  withCounting,
} from '../../storage/index.ts'
import { Replicator, type ReplicatorOptions, restore } from '../../writer/index.ts'
import { tempDir } from '../support/temp-dir.ts'
import { truth } from './workbench.ts'

interface Scene {
  readonly dir: string
  readonly path: string
  readonly app: DatabaseSync
}

function scene(): Scene {
  const dir = tempDir()
  const path = join(dir, 'app.db')
  const app = new DatabaseSync(path)
  onTestFinished(() => app.close())
  app.exec('PRAGMA journal_mode = wal; CREATE TABLE t (v)')
  return { dir, path, app }
}

async function start(scene: Scene, client: ReplicaClient, options: Partial<ReplicatorOptions> = {}) {
  const durable: LtxFileInfo[] = []
  let wake = () => {}
  const replicator = new Replicator({
    dbPath: scene.path,
    client,
    onDurable: (info) => {
      durable.push(info)
      wake()
    },
    ...options,
  })
  await replicator.start()
  onTestFinished(() => replicator.close().catch(() => {}))
  return {
    replicator,
    durable,
    /** Resolves once nothing committed so far is missing from the replica. */
    async settled() {
      const output = join(scene.dir, `restored-${process.hrtime.bigint()}`)
      for (;;) {
        const wanted = truth(scene.path)
        if (durable.length > 0) {
          await restore(client, output, { force: true })
          if (readFileSync(output).equals(wanted)) return
        }
        await Promise.race([new Promise<void>((resolve) => (wake = resolve)), delay(200)])
      }
    },
  }
}

describe('Replicator', () => {
  it('makes commits durable as they come, and the last one at close', async () => {
    const s = scene()
    const client = memoryReplica()
    const { replicator, settled } = await start(s, client)
    for (let i = 0; i < 5; i++) {
      s.app.exec(`INSERT INTO t VALUES (${i})`)
      await settled()
    }
    s.app.exec("INSERT INTO t VALUES ('last')")
    await replicator.close()
    const output = join(s.dir, 'restored')
    await restore(client, output)
    expect(readFileSync(output)).toEqual(truth(s.path))
  })

  it('asks nothing of the store while nothing is committed', async () => {
    const s = scene()
    const { client, counts } = withCounting(memoryReplica())
    const { settled } = await start(s, client, { settings: { monitorIntervalMs: 50, l0RetentionCheckIntervalMs: 50 } })
    await settled()
    await delay(1500) // let the first rounds of maintenance end
    const before = counts.total
    await delay(600)
    expect(counts.total).toEqual(before)
  })

  it('a burst of commits costs a bounded number of files', async () => {
    const s = scene()
    const { durable, settled } = await start(s, memoryReplica(), {
      settings: { minSyncIntervalMs: 100, minCheckpointPages: 1_000_000 },
    })
    await settled()
    const before = durable.length
    const started = performance.now()
    for (let i = 0; i < 600; i++) {
      s.app.exec(`INSERT INTO t VALUES (${i})`)
      await delay(1)
    }
    await settled()
    const elapsedMs = performance.now() - started
    expect(durable.length - before, 'a second’s worth at once, then ten a second').toBeLessThan(
      10 + elapsedMs / 100 + 3,
    )
    expect(durable.length - before).toBeGreaterThan(2)
  })

  it('retries while the store is out of reach, and catches up', async () => {
    const s = scene()
    const client = memoryReplica()
    const flaky = flakyReplica(client)
    const { settled } = await start(s, flaky, { settings: { syncIntervalMs: 20 } })
    await settled()
    flaky.broken = true
    for (let i = 0; i < 5; i++) {
      s.app.exec(`INSERT INTO t VALUES (${i})`)
      await delay(30)
    }
    flaky.broken = false
    await settled()
    expect(await txids(client)).toEqual(Array.from(await txids(client), (_, i) => BigInt(i + 1)))
  })

  it('starts while the store is out of reach', async () => {
    const s = scene()
    const flaky = flakyReplica(memoryReplica())
    flaky.broken = true
    const { settled } = await start(s, flaky, { settings: { syncIntervalMs: 20, monitorIntervalMs: 20 } })
    await delay(100)
    flaky.broken = false
    await settled()
  })

  it('close fails when the last transactions cannot be made durable, and keeps them for the next start', async () => {
    const s = scene()
    const client = memoryReplica()
    const flaky = flakyReplica(client)
    const settings = { syncIntervalMs: 20, shutdownSyncTimeoutMs: 100, shutdownSyncIntervalMs: 10 }
    const first = await start(s, flaky, { settings })
    await first.settled()
    flaky.broken = true
    s.app.exec("INSERT INTO t VALUES ('last')")
    await expect(first.replicator.close()).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE' })
    flaky.broken = false
    const second = await start(s, flaky, { settings })
    await second.settled()
  })

  it('close gives up at once when told so', async () => {
    const s = scene()
    const flaky = flakyReplica(memoryReplica())
    const { replicator, settled } = await start(s, flaky, { settings: { shutdownSyncIntervalMs: 10 } })
    await settled()
    flaky.broken = true
    s.app.exec("INSERT INTO t VALUES ('last')")
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 50)
    await expect(replicator.close({ signal: stop.signal })).rejects.toMatchObject({
      code: 'WRITER_SHUTDOWN_INTERRUPTED',
    })
  })

  it('finds a second writer on the same prefix, stops, and touches nothing', async () => {
    const mine = scene()
    const other = scene()
    const client = memoryReplica()
    const a = await start(mine, client)
    await a.settled()
    const b = await start(other, client) // goes on where the replica stands: nothing to notice yet
    other.app.exec("INSERT INTO t VALUES ('theirs')")
    await until(async () => (await txids(client)).length > a.durable.length)
    const failed = expect(a.replicator.wait()).rejects.toMatchObject({ code: 'WRITER_SECOND_WRITER' })
    mine.app.exec("INSERT INTO t VALUES ('mine')")
    await failed
    await b.settled()
    await a.replicator.close()
    await b.settled()
  })

  it('with a lease: a second replicator does not even start, and may once the first has closed', async () => {
    const s = scene()
    const client = memoryReplica()
    const lease = (owner: string) => new Lease(client.lease!, { owner, ttlMs: 60_000, now: Date.now })
    const first = await start(s, client, { lease: lease('first:1') })
    await first.settled()
    const second = new Replicator({ dbPath: s.path, client, lease: lease('second:2') })
    await expect(second.start()).rejects.toMatchObject({ code: 'STORAGE_LEASE_EXISTS', at: { owner: 'first:1' } })
    await first.replicator.close()
    const third = await start(s, client, { lease: lease('third:3') })
    s.app.exec('INSERT INTO t VALUES (3)')
    await third.settled()
  })

  it('with a lease: stops when somebody else took it', async () => {
    const s = scene()
    const client = memoryReplica()
    const lease = new Lease(client.lease!, { owner: 'first:1', ttlMs: 150, now: Date.now })
    const { replicator } = await start(s, client, { lease })
    const failed = expect(replicator.wait()).rejects.toMatchObject({ code: 'STORAGE_LEASE_NOT_HELD' })
    const thief = new Lease(client.lease!, { owner: 'thief:2', now: () => Date.now() + 3_600_000 })
    await thief.acquire()
    await failed
  })

  it('with a lease: renewed for as long as it runs', async () => {
    const s = scene()
    const client = memoryReplica()
    const lease = new Lease(client.lease!, { owner: 'first:1', ttlMs: 90, now: Date.now })
    const { settled } = await start(s, client, { lease })
    for (let i = 0; i < 5; i++) {
      await delay(60)
      s.app.exec(`INSERT INTO t VALUES (${i})`)
      await settled()
    }
    const second = new Replicator({ dbPath: s.path, client, lease: new Lease(client.lease!, { now: Date.now }) })
    await expect(second.start()).rejects.toMatchObject({ code: 'STORAGE_LEASE_EXISTS' })
  })

  it('takes its own file for its own when a store reports a lost reply as a failure', async () => {
    const s = scene()
    const client = memoryReplica()
    const lossy: ReplicaClient = forward(client, {
      async write(file, body, options) {
        const first = (await txids(client)).length === 1
        const info = await client.write(file, body, options)
        if (first) throw new StorageError('STORAGE_TIMEOUT', 'The reply was lost', { retryable: true })
        return info
      },
    })
    const { settled } = await start(s, lossy, { settings: { syncIntervalMs: 20 } })
    s.app.exec('INSERT INTO t VALUES (1)')
    await settled()
    s.app.exec('INSERT INTO t VALUES (2)')
    await settled()
  })

  it('a snapshot takes the place of local files that are gone before the replica had them', async () => {
    const s = scene()
    const client = memoryReplica()
    const first = await start(s, client)
    await first.settled()
    s.app.exec('INSERT INTO t VALUES (1)')
    await first.settled()
    await first.replicator.close()
    await client.deleteAll()
    const local = first.replicator.primary.local
    await local.delete((await local.txids()).slice(0, 1))
    const second = await start(s, client)
    await until(async () => (await listed(client, 9)).length > 0)
    s.app.exec('INSERT INTO t VALUES (2)')
    await second.settled()
  })

  it('compacts and makes snapshots in the shape that Litestream keeps', async () => {
    const s = scene()
    const client = memoryReplica()
    const { settled } = await start(s, client, {
      settings: {
        minSyncIntervalMs: 5,
        levels: [
          { level: 1, intervalMs: 100 },
          { level: 2, intervalMs: 400 },
        ],
        snapshotIntervalMs: 500,
        snapshotRetentionMs: 1000,
        l0RetentionMs: 300,
        l0RetentionCheckIntervalMs: 100,
      },
    })
    await settled()
    for (let i = 0; i < 150; i++) {
      s.app.exec(`INSERT INTO t VALUES (${i})`)
      await delay(20)
    }
    await settled()
    const levels = await Promise.all([0, 1, 2, 9].map((level) => listed(client, level)))
    expect(levels[0]!.length, 'level 0 is cut').toBeLessThan(100)
    expect(levels[1]!.length).toBeGreaterThan(1)
    expect(levels[2]!.length).toBeGreaterThan(0)
    expect(levels[3]!.length).toBeGreaterThan(0)
    expect(levels[3]!.length, 'old snapshots go').toBeLessThan(5)
    for (const level of levels.slice(0, 3)) {
      for (let i = 1; i < level.length; i++) expect(level[i]!.minTXID).toBe(level[i - 1]!.maxTXID + 1n)
    }
  })

  it.each(['syncOnce', 'close'])('%s leaves nothing uncopied, a checkpoint of its own included', async (way) => {
    const s = scene()
    const client = memoryReplica()
    const options = { dbPath: s.path, client, settings: { minCheckpointPages: 10 } }
    s.app.exec('INSERT INTO t VALUES (zeroblob(200000))')
    const replicator = new Replicator(options)
    if (way === 'syncOnce') await replicator.syncOnce()
    else {
      await replicator.start()
      s.app.exec('INSERT INTO t VALUES (zeroblob(200000))')
      await replicator.close()
    }
    const output = join(s.dir, 'restored')
    await restore(client, output)
    expect(readFileSync(output)).toEqual(truth(s.path))
  })

  it('syncOnce: copy, upload, a snapshot on request, and done', async () => {
    const s = scene()
    const client = memoryReplica()
    const replicator = new Replicator({ dbPath: s.path, client })
    const { txid } = await replicator.syncOnce({ forceSnapshot: true, enforceRetention: true })
    expect(txid).toBe(1n)
    expect((await listed(client, 9)).map((file) => file.maxTXID)).toEqual([1n])
    const output = join(s.dir, 'restored')
    await restore(client, output)
    expect(readFileSync(output)).toEqual(truth(s.path))
  })
})

describe('what cannot be replicated', () => {
  it.each<[string, (s: Scene) => string, string]>([
    ['no such database', (s) => join(s.dir, 'none.db'), 'WRITER_NO_DATABASE'],
    ['a folder', (s) => s.dir, 'WRITER_NOT_A_DATABASE'],
    [
      'a text file',
      (s) => {
        const path = join(s.dir, 'notes.txt')
        writeFileSync(path, 'This is no database, but it is long enough to look at it twice.\n'.repeat(100))
        return path
      },
      'WRITER_NOT_A_DATABASE',
    ],
  ])('%s', async (_, path, code) => {
    const s = scene()
    const dbPath = path(s)
    const replicator = new Replicator({ dbPath, client: memoryReplica() })
    await expect(replicator.start()).rejects.toMatchObject({ code })
    await replicator.close().catch(() => {})
  })

  it('a damaged local LTX file: says which, changes nothing, and goes on after a reset', async () => {
    const s = scene()
    const client = memoryReplica()
    const first = await start(s, client)
    await first.settled()
    await first.replicator.close()
    const { local } = first.replicator.primary
    const file = local.file((await local.txids()).at(-1)!)
    const bytes = readFileSync(file)
    bytes[150]! ^= 0xff
    writeFileSync(file, bytes)
    const second = new Replicator({ dbPath: s.path, client })
    await expect(second.start()).rejects.toMatchObject({
      code: 'WRITER_LTX_CORRUPT',
      message: expect.stringContaining(file),
      hint: expect.stringContaining('reset'),
    })
    rmSync(local.path, { recursive: true })
    const third = await start(s, client)
    s.app.exec('INSERT INTO t VALUES (1)')
    await third.settled()
  })
})

async function listed(client: ReplicaClient, level: number): Promise<LtxFileInfo[]> {
  const files: LtxFileInfo[] = []
  for await (const file of client.list(level)) files.push(file)
  return files
}

async function txids(client: ReplicaClient): Promise<bigint[]> {
  return (await listed(client, 0)).map((file) => file.maxTXID)
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(10)
}

/** The client with some methods replaced. */
function forward(client: ReplicaClient, changes: Partial<ReplicaClient>): ReplicaClient {
  return new Proxy(client, {
    get(target, key) {
      if (key in changes) return changes[key as keyof ReplicaClient]
      const value = Reflect.get(target, key)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** A store that can be cut off. */
function flakyReplica(client: ReplicaClient): ReplicaClient & { broken: boolean } {
  const state = { broken: false }
  const proxy = new Proxy(client, {
    get(target, key) {
      if (key === 'broken') return state.broken
      if (state.broken && (key === 'list' || key === 'write' || key === 'open')) {
        return () => {
          throw new StorageError('STORAGE_UNREACHABLE', 'No route to the store', { retryable: true })
        }
      }
      const value = Reflect.get(target, key)
      return typeof value === 'function' ? value.bind(target) : value
    },
    set(_, key, value) {
      if (key === 'broken') state.broken = value
      return key === 'broken'
    },
  })
  return proxy as ReplicaClient & { broken: boolean }
}
