import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { PageCache } from '../../pagecache/index.ts'
import { Replica } from '../../replica/index.ts'
import { MemoryReplica, type ReplicaClient } from '../../storage/index.ts'
import { ConnectionPool, Database } from '../../vfs/index.ts'
import { loadEngineModules } from '../../vfs/load-node.ts'
import { altered } from '../support/altered-client.ts'
import { numbers } from '../support/numbers.ts'
import { suiteDir } from '../support/temp-dir.ts'
import { BRIDGES, type Source, source } from './scene.ts'

const SQL = 'SELECT count(*) AS n, sum(length(v)) AS s FROM t'
const EXPECTED = { n: 900, s: 270_000 }

const dir = suiteDir()
let made: Source

beforeAll(async () => {
  made = await source(
    `PRAGMA page_size = 1024; CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB);
      ${numbers(900)} INSERT INTO t SELECT i, randomblob(300) FROM n;`,
    dir,
  )
})

interface Opened {
  readonly db: Database
  readonly pool: ConnectionPool
  readonly replica: Replica
}

async function open(
  bridge: (typeof BRIDGES)[number],
  { client, stackBytes }: { client?: ReplicaClient; stackBytes?: number } = {},
): Promise<Opened> {
  const store = client ?? new MemoryReplica({ bucket: made.client.bucket })
  const replica = await Replica.open(store, { checkIntervalMs: 0, cache: new PageCache() })
  const options = { bridge, poolSize: 1, ...(stackBytes !== undefined && { stackBytes }) }
  const pool = await ConnectionPool.start(await loadEngineModules(), options)
  const db = Database.open(replica, pool)
  onTestFinished(() => db.close())
  return { db, pool, replica }
}

/** Where SQLite's shadow stack is: an exception through C frames would leave it lower. */
async function stackOf(pool: ConnectionPool): Promise<number> {
  const loan = await pool.take(undefined)
  const pointer = loan.connection.engine.sqlite.emscripten_stack_get_current()
  loan.give()
  return pointer
}

describe.each(BRIDGES)('nothing is thrown through SQLite, bridge %s', (bridge) => {
  const broken = new Error('broken on purpose')
  const fail = (): never => {
    throw broken
  }

  test.each([
    ['a page that is at hand', 'get'],
    ['a page that has to be fetched', 'fetch'],
  ] as const)('%s cannot be read', async (_what, method) => {
    const { db, pool, replica } = await open(bridge)
    await db.get('SELECT 1')
    const before = await stackOf(pool)
    const pin = vi.spyOn(replica, 'pin')
    pin.mockImplementation((state, options) => {
      pin.mockRestore()
      const pages = replica.pin(state, options)
      let reads = 0
      const original = pages[method].bind(pages) as (pgno: number) => never
      Object.assign(pages, { [method]: (pgno: number) => (++reads > 3 ? fail() : original(pgno)) })
      return pages
    })
    await expect(db.get(SQL)).rejects.toBe(broken)
    expect(await stackOf(pool)).toBe(before)
    expect(await db.get(SQL)).toEqual(EXPECTED)
    expect(await db.get('PRAGMA integrity_check')).toEqual({ integrity_check: 'ok' })
  })

  test('an answer to SQL throws', async () => {
    const { db, pool, replica } = await open(bridge)
    const before = await stackOf(pool)
    vi.spyOn(replica, 'lag').mockImplementationOnce(fail)
    await expect(db.get('SELECT litestream_lag()')).rejects.toMatchObject({ code: 'VFS_SQL' })
    expect(await stackOf(pool)).toBe(before)
    expect(await db.get(SQL)).toEqual(EXPECTED)
  })

  test('a trap ends the instance, and the pool starts another one', async () => {
    const { db, pool } = await open(bridge)
    const loan = await pool.take(undefined)
    const { connection } = loan
    const waiting = db.get(SQL)
    const trap = async (): Promise<number> => await connection.engine.each(0x7fff_fff0, () => false)
    await expect(trap()).rejects.toMatchObject({ code: 'VFS_ENGINE' })
    expect(connection.engine.broken).toBe(true)
    await expect(trap()).rejects.toMatchObject({ code: 'VFS_ENGINE' })
    connection.endLease()
    loan.give()
    expect(await waiting).toEqual(EXPECTED)
    expect((await pool.take(undefined)).connection).not.toBe(connection)
  })

  test.each(['before', 'after'] as const)(
    'aborted at each request, %s its answer: an AbortError or the right rows, then right rows',
    async (when) => {
      for (let at = 1; at <= 12; at++) {
        const bucket = new MemoryReplica({ bucket: made.client.bucket })
        let stop: AbortController | undefined
        let requests = 0
        const client = altered(bucket, {
          open: async (file, range) => {
            const due = ++requests === at
            if (due && when === 'before') stop?.abort()
            const stream = await bucket.open(file, range)
            await new Promise((resolve) => setImmediate(resolve))
            if (due && when === 'after') stop?.abort()
            return stream
          },
        })
        const { db, pool } = await open(bridge, { client })
        const before = await stackOf(pool)
        stop = new AbortController()
        requests = 0
        const outcome = await db.get(SQL, [], { signal: stop.signal }).catch((error: Error) => error.name)
        expect([EXPECTED, 'AbortError'], `request ${at}`).toContainEqual(outcome)
        stop = undefined
        expect(await db.get(SQL), `request ${at}`).toEqual(EXPECTED)
        expect(await stackOf(pool)).toBe(before)
        await db.close()
      }
    },
  )
})

test('asyncify: a call that is nested too deeply for its stack is a clear error, and the next query has an instance', async () => {
  const { db } = await open('asyncify', { stackBytes: 64 })
  const tooDeep = { code: 'VFS_NO_MEMORY', message: expect.stringContaining('nested too deeply') }
  await expect(db.get(SQL)).rejects.toMatchObject(tooDeep)
  await expect(db.get(SQL)).rejects.toMatchObject(tooDeep)
})
