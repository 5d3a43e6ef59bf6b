import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { listLevel } from '../../replica/index.ts'
import { memoryReplica, openReplica, type ReplicaClient } from '../../storage/node.ts'
import { compactLevel } from '../../writer/compaction.ts'
import { type FollowEvent, type FollowOptions, follow } from '../../writer/follow.ts'
import { restore } from '../../writer/restore.ts'
import { tempDir } from '../support/temp-dir.ts'
import { Bucket, damage, flipBit } from './restore-bucket.ts'

const output = () => join(tempDir(), 'follower.db')

/** Follow until an event of this type comes; all events up to it. */
async function followUntil(
  client: ReplicaClient,
  path: string,
  type: FollowEvent['type'],
  options: FollowOptions = {},
): Promise<FollowEvent[]> {
  const done = new AbortController()
  const events: FollowEvent[] = []
  await follow(client, path, {
    intervalMs: 1,
    signal: done.signal,
    ...options,
    onEvent: (event) => {
      events.push(event)
      if (event.type === type) done.abort()
    },
  })
  return events
}

/** The bytes of a database with those taken out that a follower sets for itself. */
function comparable(image: Buffer): Buffer {
  const copy = Buffer.from(image)
  copy.fill(0, 18, 20)
  copy.fill(0, 24, 28)
  copy.fill(0, 92, 100)
  return copy
}

function expectState(path: string, bucket: Bucket, txid = bucket.txid): void {
  const image = readFileSync(path)
  expect(comparable(image).equals(comparable(bucket.images[Number(txid)]!))).toBe(true)
  expect([image[18], image[19]]).toEqual([1, 1])
  expect(image.readUInt32BE(24)).toBe(Number(txid))
  expect(readFileSync(`${path}-txid`, 'utf8')).toBe(`${txid.toString(16).padStart(16, '0')}\n`)
  expect(readdirSync(dirname(path)).sort()).toEqual(['follower.db', 'follower.db-txid'])
  const database = new DatabaseSync(path, { readOnly: true })
  expect(database.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
  database.close()
}

async function bucketOf(states: number, client: ReplicaClient = memoryReplica()): Promise<Bucket> {
  const bucket = new Bucket({ client })
  for (let i = 0; i < states; i++) await bucket.insertAndUpload(30)
  return bucket
}

describe('following, facts 6.5', () => {
  test('restores, readable without a WAL from the start, then applies what is new', async () => {
    const bucket = await bucketOf(3)
    const path = output()
    const done = new AbortController()
    const types: string[] = []
    const followed = await follow(bucket.client, path, {
      intervalMs: 1,
      signal: done.signal,
      onEvent: (event) => {
        types.push(event.type)
        if (event.type === 'current' && bucket.txid === 3n) {
          expectState(path, bucket)
          void bucket.insertAndUpload(30)
        } else if (event.type === 'applied') done.abort()
      },
    })
    expect(followed.txid).toBe(4n)
    expectState(path, bucket)
    expect(types.filter((type) => type !== 'current')).toEqual(['restored', 'applied'])
  })

  test('many states at once, one that shrank and one that grew', async () => {
    const bucket = await bucketOf(2)
    const path = output()
    await followUntil(bucket.client, path, 'current')
    for (const sql of ['DELETE FROM t WHERE id > 9', 'VACUUM']) {
      const txid = bucket.commit(sql)
      await bucket.upload(0, txid, txid)
    }
    const events = await followUntil(bucket.client, path, 'applied')
    expect(events.at(-1)).toMatchObject({ previous: 2n, txid: 4n })
    expectState(path, bucket)
    await bucket.insertAndUpload(800)
    await followUntil(bucket.client, path, 'applied')
    expectState(path, bucket)
  })

  test('a change that leaves page 1 alone still changes the change counter', async () => {
    const bucket = await bucketOf(1)
    const path = output()
    await followUntil(bucket.client, path, 'current')
    const reader = new DatabaseSync(path, { readOnly: true })
    const read = () => reader.prepare("SELECT count(*) AS n FROM t WHERE v = 'x'").get()?.n
    expect(read()).toBe(0)
    const txid = bucket.commit("UPDATE t SET v = 'x' WHERE id = 3")
    // Page 1 does not go into the file, as it does not change in WAL mode.
    bucket.images[1]!.copy(bucket.images[2]!, 0, 0, 4096)
    await bucket.upload(0, txid, txid)
    await followUntil(bucket.client, path, 'applied')
    expect(read()).toBe(1)
    reader.close()
    expectState(path, bucket)
  })

  test('bridges holes in L0: by compacted files, then by a snapshot (#1515)', async () => {
    const bucket = await bucketOf(2)
    const path = output()
    await followUntil(bucket.client, path, 'current')
    for (let i = 0; i < 4; i++) await bucket.insertAndUpload(30)
    await compactLevel(bucket.client, 1)
    await bucket.client.delete((await listLevel(bucket.client, 0)).filter((file) => file.maxTXID < 6n))
    const bridged = await followUntil(bucket.client, path, 'applied')
    expect(bridged.at(-1)).toMatchObject({ files: [{ level: 1, minTXID: 1n, maxTXID: 6n }] })
    expectState(path, bucket)
    for (let i = 0; i < 4; i++) await bucket.insertAndUpload(30)
    await bucket.upload(9, 1, 9)
    await bucket.client.delete((await listLevel(bucket.client, 0)).filter((file) => file.maxTXID < 10n))
    const last = await followUntil(bucket.client, path, 'applied')
    expect(last.at(-1)).toMatchObject({ txid: 10n, files: [{ level: 9 }, { level: 0 }] })
    expectState(path, bucket)
  })

  test('a hole nothing bridges is told, and waited for', async () => {
    const bucket = await bucketOf(2)
    const path = output()
    await followUntil(bucket.client, path, 'current')
    bucket.insert(30)
    await bucket.insertAndUpload(30)
    const events = await followUntil(bucket.client, path, 'stalled')
    expect(events.at(-1)).toEqual({ type: 'stalled', txid: 2n, gap: { after: 2n, before: 4n } })
    expectState(path, bucket, 2n)
    await bucket.upload(0, 3, 3)
    await followUntil(bucket.client, path, 'applied')
    expectState(path, bucket)
  })

  test('a replica that ends before the follower is told', async () => {
    const bucket = await bucketOf(5)
    const path = output()
    await followUntil(bucket.client, path, 'current')
    await bucket.client.delete((await listLevel(bucket.client, 0)).filter((file) => file.maxTXID > 2n))
    expect(await followUntil(bucket.client, path, 'ahead')).toContainEqual({ type: 'ahead', txid: 5n, replicaTXID: 2n })
  })

  test('an idle follower costs one listing', async () => {
    const bucket = await bucketOf(2)
    const lists: number[] = []
    const client = Object.assign(Object.create(bucket.client), {
      open: bucket.client.open.bind(bucket.client),
      list: (level: number, options: Parameters<ReplicaClient['list']>[1]) => {
        lists.push(level)
        return bucket.client.list(level, options)
      },
    }) as ReplicaClient
    let polls = 0
    const done = new AbortController()
    await follow(client, output(), {
      now: () => 0,
      intervalMs: 1,
      signal: done.signal,
      onEvent: ({ type }) => {
        if (type === 'current' && polls++ === 0) lists.length = 0
        if (polls === 6) done.abort()
      },
    })
    expect(lists).toEqual([0, 0, 0, 0, 0])
  })

  test('a damaged file is told, and a snapshot leads around it', async () => {
    const bucket = await bucketOf(2)
    const path = output()
    await followUntil(bucket.client, path, 'current')
    await bucket.insertAndUpload(30)
    await bucket.insertAndUpload(30)
    await damage(bucket.client, (await listLevel(bucket.client, 0))[2]!, flipBit)
    const events = await followUntil(bucket.client, path, 'stalled')
    expect(events.find((event) => event.type === 'error')).toMatchObject({ error: { code: 'WRITER_CORRUPT_REPLICA' } })
    expectState(path, bucket, 2n)
    await bucket.upload(9, 1, 4)
    await followUntil(bucket.client, path, 'applied')
    expectState(path, bucket)
  })

  test('failures are tried again, ever more slowly', async () => {
    const bucket = await bucketOf(1)
    const path = output()
    await followUntil(bucket.client, path, 'current')
    const client = Object.assign(Object.create(bucket.client), {
      // biome-ignore lint/correctness/useYield: it fails before there is anything to give
      async *list() {
        throw new Error('no network')
      },
    }) as ReplicaClient
    const delays: number[] = []
    const done = new AbortController()
    await follow(client, path, {
      intervalMs: 1000,
      signal: done.signal,
      sleep: async () => {},
      onEvent: (event) => {
        if (event.type === 'error') delays.push(event.retryInMs)
        if (delays.length === 7) done.abort()
      },
    })
    expect(delays).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
  })
})

describe('going on with a database that is there', () => {
  test('its TXID need not be in a snapshot (#1385)', async () => {
    const bucket = await bucketOf(3)
    await bucket.upload(9, 1, 2)
    const path = output()
    await followUntil(bucket.client, path, 'current')
    await bucket.insertAndUpload(30)
    const events = await followUntil(bucket.client, path, 'applied')
    expect(events[0]).toEqual({ type: 'resumed', txid: 3n })
    expectState(path, bucket)
  })

  test('one that was restored by others, in WAL mode', async () => {
    const bucket = await bucketOf(3)
    const path = output()
    await restore(bucket.client, path)
    writeFileSync(`${path}-txid`, '0000000000000003\n')
    await followUntil(bucket.client, path, 'current')
    expectState(path, bucket)
    await bucket.insertAndUpload(30)
    await followUntil(bucket.client, path, 'applied')
    expectState(path, bucket)
  })

  test('one that others followed: a change counter of its own', async () => {
    const bucket = await bucketOf(3)
    const path = output()
    await restore(bucket.client, path)
    const image = readFileSync(path)
    image.set([1, 1], 18)
    image.writeUInt32BE(0xdeadbeef, 24)
    writeFileSync(path, image)
    writeFileSync(`${path}-txid`, '0000000000000002\n')
    await followUntil(bucket.client, path, 'current')
    expectState(path, bucket)
  })

  test('a position file that lags behind, as after a crash', async () => {
    const bucket = await bucketOf(3)
    const path = output()
    await followUntil(bucket.client, path, 'current')
    writeFileSync(`${path}-txid`, '0000000000000001\n')
    const events = await followUntil(bucket.client, path, 'current')
    expect(events).toEqual([
      { type: 'resumed', txid: 3n },
      { type: 'current', txid: 3n },
    ])
    expectState(path, bucket)
  })

  test.each([
    ['none', undefined],
    ['not a TXID', 'three\n'],
    ['zero', '0000000000000000\n'],
  ])('not without a position: %s', async (_name, position) => {
    const bucket = await bucketOf(1)
    const path = output()
    await restore(bucket.client, path)
    if (position !== undefined) writeFileSync(`${path}-txid`, position)
    const before = readFileSync(path)
    await expect(follow(bucket.client, path)).rejects.toMatchObject({ code: 'WRITER_FOLLOW_NO_POSITION' })
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  test('not after somebody else wrote to it, whether following ran or not', async () => {
    const bucket = await bucketOf(2)
    const path = output()
    await followUntil(bucket.client, path, 'current')
    const write = () => {
      const database = new DatabaseSync(path)
      database.exec('DELETE FROM t WHERE id = 1')
      database.close()
    }
    const done = new AbortController()
    const running = follow(bucket.client, path, {
      intervalMs: 1,
      signal: done.signal,
      onEvent: ({ type }) => {
        if (type !== 'current' || bucket.txid > 2n) return
        write()
        void bucket.insertAndUpload(30)
      },
    })
    await expect(running).rejects.toMatchObject({ code: 'WRITER_FOLLOWER_MODIFIED' })
    await expect(follow(bucket.client, path)).rejects.toMatchObject({ code: 'WRITER_FOLLOWER_MODIFIED' })
  })

  test('not when another file takes its place', async () => {
    const bucket = await bucketOf(2)
    const path = output()
    const running = follow(bucket.client, path, {
      intervalMs: 1,
      onEvent: ({ type }) => {
        if (type !== 'current' || bucket.txid > 2n) return
        const copy = readFileSync(path)
        rmSync(path)
        writeFileSync(path, copy)
        void bucket.insertAndUpload(30)
      },
    })
    await expect(running).rejects.toMatchObject({ code: 'WRITER_DATABASE_REPLACED' })
  })

  test('not with another page size', async () => {
    const bucket = await bucketOf(2)
    const path = output()
    await followUntil(bucket.client, path, 'current')
    const other = new Bucket({ client: bucket.client, pageSize: 1024 })
    for (let i = 0; i < 3; i++) other.insert(3)
    await other.upload(0, 3, 3)
    await expect(follow(bucket.client, path)).rejects.toMatchObject({ code: 'WRITER_PAGE_SIZE_CHANGED' })
  })
})

describe('readers', () => {
  test('in another process see one state in every transaction', async () => {
    const bucket = new Bucket()
    bucket.commit('CREATE TABLE account (id INTEGER PRIMARY KEY, amount INT, generation INT, filler TEXT)')
    await bucket.upload(0, 1, 1)
    const fill = bucket.commit(`CREATE INDEX by_amount ON account (amount); INSERT INTO account
      SELECT value, 0, 0, hex(randomblob(150)) FROM (WITH RECURSIVE c(value) AS
      (SELECT 1 UNION ALL SELECT value + 1 FROM c WHERE value < 300) SELECT value FROM c)`)
    await bucket.upload(0, fill, fill)
    const path = output()
    await followUntil(bucket.client, path, 'current')
    const child = spawn(process.execPath, [join(import.meta.dirname, 'follow-reader-child.ts'), path], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const printed = text(child.stdout)
    const done = new AbortController()
    const following = follow(bucket.client, path, { intervalMs: 1, signal: done.signal })
    for (let generation = 1; generation <= 40; generation++) {
      const moved = generation * 7
      const txid = bucket.commit(`BEGIN;
        UPDATE account SET amount = amount + ${moved}, generation = ${generation} WHERE id % 2 = 0;
        UPDATE account SET amount = amount - ${moved}, generation = ${generation} WHERE id % 2 = 1; COMMIT`)
      await bucket.upload(0, txid, txid)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    done.abort()
    await following
    child.stdin.end()
    const seen = JSON.parse((await printed).trim().split('\n').at(-1)!)
    expect(seen.wrong).toEqual([])
    expect(seen.transactions).toBeGreaterThan(10)
    expect(seen.states).toBeGreaterThan(2)
  })

  test('in this process, in the middle of a transaction, are waited for', async () => {
    const bucket = await bucketOf(2)
    const path = output()
    await followUntil(bucket.client, path, 'current')
    const reader = new DatabaseSync(path, { readOnly: true })
    const count = () => reader.prepare('SELECT count(*) AS n FROM t').get()?.n
    reader.exec('BEGIN')
    const before = count()
    await bucket.insertAndUpload(30)
    const events = await followUntil(bucket.client, path, 'busy')
    expect(events.some((event) => event.type === 'applied')).toBe(false)
    expect(count()).toBe(before)
    reader.exec('COMMIT')
    await followUntil(bucket.client, path, 'applied')
    expect(count()).toBe(90)
    reader.close()
  })
})

describe('a crash while a change is applied', () => {
  test('at every step: a reader sees the state before or the one after, whole', async () => {
    const dir = tempDir()
    const client = await openReplica(`file://${join(dir, 'replica')}`)
    const bucket = new Bucket({ client })
    await bucket.insertAndUpload(300)
    await followUntil(client, join(dir, 'start.db'), 'current')
    for (const sql of ["UPDATE t SET v = 'short' WHERE id % 3 > 0", 'VACUUM']) {
      const txid = bucket.commit(sql)
      await bucket.upload(0, txid, txid)
    }
    expect(bucket.images[3]!.length).toBeLessThan(bucket.images[1]!.length)
    const outcomes = new Set<string>()
    let survived = false
    for (let step = 0; !survived; step++) {
      const path = join(dir, `crash-${step}`, 'follower.db')
      for (const suffix of ['', '-txid']) cpSync(join(dir, `start.db${suffix}`), path + suffix)
      const child = join(import.meta.dirname, 'follow-crash-child.ts')
      const run = spawnSync(process.execPath, [child, join(dir, 'replica'), path, String(step)], { encoding: 'utf8' })
      survived = run.signal === null
      expect(survived ? run.status : 0, run.stderr).toBe(0)
      const hot = existsSync(`${path}-journal`)
      // Any SQLite that opens it for writing completes the change.
      const database = new DatabaseSync(path)
      expect(database.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
      const { n } = database.prepare("SELECT count(*) AS n FROM t WHERE v = 'short'").get()!
      database.close()
      const image = readFileSync(path)
      const state = image.readUInt32BE(24)
      outcomes.add(`${hot ? 'hot ' : ''}${state}`)
      expect(comparable(image).equals(comparable(bucket.images[state]!))).toBe(true)
      expect(n).toBe(state === 1 ? 0 : 200)
      await followUntil(client, path, 'current')
      expectState(path, bucket)
    }
    // Before the rename, after it, and after the journal is gone again.
    expect([...outcomes].sort()).toEqual(['1', '3', 'hot 3'])
  })
})
