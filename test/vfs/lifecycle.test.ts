import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { callContext } from '../../entry/call-context.ts'
import { Replica } from '../../replica/index.ts'
import { type LtxFileName, memoryReplica, type ReplicaClient } from '../../storage/index.ts'
import { Lease } from '../../vfs/connection/lease.ts'
import { ConnectionPool, Database, isVfsError, type Queries, type Row } from '../../vfs/index.ts'
import { Lifetime } from '../../vfs/lifetime.ts'
import { loadEngineModules } from '../../vfs/load-node.ts'
import { altered } from '../support/altered-client.ts'
import { numbers } from '../support/numbers.ts'
import { BRIDGES, type Source, source } from './scene.ts'

const TABLE = `CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
  ${numbers(3000)} INSERT INTO t SELECT i, 'value ' || i || ' ' || hex(randomblob(150)) FROM n;`

/** A store that answers until it is told not to, and that no signal reaches. */
function silenceable(made: Source) {
  const inner = memoryReplica({ bucket: made.client.bucket })
  const never = new Promise<never>(() => {})
  const state = { silent: false, listsNothing: false }
  const client = altered(inner, {
    open: async (file, { signal: _, ...range } = {}) => (state.silent ? await never : await inner.open(file, range)),
    list: async function* (level, { signal: _, ...options } = {}) {
      if (state.silent || state.listsNothing) await never
      yield* inner.list(level, options)
    },
  })
  return { client, state }
}

async function bytesOf(client: ReplicaClient, file: LtxFileName): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync((await client.open(file))!))
}

const closed = { code: 'VFS_CLOSED' }

/** Every call that may have to wait. */
const CALLS: Readonly<Record<string, (db: Database) => Promise<unknown>>> = {
  get: (db) => db.get('SELECT * FROM t WHERE id = 2999'),
  all: (db) => db.all('SELECT * FROM t'),
  each: (db) => db.each('SELECT * FROM t').next(),
  columns: (db) => db.columns('SELECT * FROM t'),
  'prepare, get': (db) => db.prepare('SELECT * FROM t').get(),
  'prepare, each': (db) => db.prepare('SELECT * FROM t').each().next(),
  transaction: (db) => db.transaction((tx) => tx.all('SELECT * FROM t')),
  'transaction, each': (db) => db.transaction((tx) => tx.each('SELECT * FROM t').next()),
  'transaction that waits for something else': (db) => db.transaction(() => new Promise(() => {})),
  explainCost: (db) => db.explainCost('SELECT * FROM t'),
  at: (db) => db.at({ txid: 1n }),
  'at, latest': (db) => db.at('latest'),
  refresh: (db) => db.refresh(),
  waitFor: (db) => db.waitFor(99n),
}

describe.each(BRIDGES)('Lifecycles, bridge %s', (bridge) => {
  test.each(Object.keys(CALLS))('close() ends what waits for a store that never answers: %s', async (name) => {
    const made = await source(TABLE)
    const { client, state } = silenceable(made)
    const db = await made.open(bridge, { client, memoryBytes: 8192 })
    state.silent = true
    const call = CALLS[name]!(db)
    call.catch(() => {})
    await delay(20)
    await db.close()
    await expect(call).rejects.toMatchObject(closed)
  })

  test('a signal does, too, with its reason', async () => {
    const made = await source(TABLE)
    for (const [name, call] of Object.entries({
      get: (db: Database, signal: AbortSignal) => db.get('SELECT * FROM t', [], { signal }),
      each: (db: Database, signal: AbortSignal) => db.each('SELECT * FROM t', [], { signal }).next(),
      transaction: (db: Database, signal: AbortSignal) => db.transaction((tx) => tx.all('SELECT * FROM t'), { signal }),
      at: (db: Database, signal: AbortSignal) => db.at('latest', { signal }),
      'at a time': (db: Database, signal: AbortSignal) => db.at(new Date(), { signal }),
      'at a TXID': (db: Database, signal: AbortSignal) => db.at({ txid: 1n }, { signal }),
      refresh: (db: Database, signal: AbortSignal) => db.refresh({ signal }),
      waitFor: (db: Database, signal: AbortSignal) => db.waitFor(99n, { signal }),
    })) {
      const { client, state } = silenceable(made)
      const db = await made.open(bridge, { client, memoryBytes: 8192 })
      state.silent = true
      const aborting = new AbortController()
      const waiting = call(db, aborting.signal)
      waiting.catch(() => {})
      await delay(5)
      aborting.abort(new Error('no more'))
      await expect(waiting, name).rejects.toThrow('no more')
    }
  })

  // What else a query may wait for, once a page's file is not there: all is planned anew, or its history is proved.
  test.each(['planned anew', 'proved'])('a signal ends a query whose state is %s', async (how) => {
    const made = await source(TABLE)
    const { client, state } = silenceable(made)
    const db = await made.open(bridge, { client, memoryBytes: 8192, replica: { proofIntervalMs: 0 } })
    const pinned = await db.at({ txid: 1n })
    const file = { level: 0, minTXID: 1n, maxTXID: 1n }
    if (how === 'proved') {
      const beganAnew = await source("CREATE TABLE other (v); INSERT INTO other VALUES ('x')")
      await made.client.delete([file])
      await made.client.write(file, await bytesOf(beganAnew.client, file))
      await db.refresh()
      await made.client.delete([file])
      state.silent = true
    } else {
      await made.client.delete([file])
      state.listsNothing = true
    }
    const controller = new AbortController()
    const call = pinned.all('SELECT * FROM t', [], { signal: controller.signal })
    call.catch(() => {})
    await delay(20)
    controller.abort(new Error('given up'))
    const late = delay(1000).then(() => 'went on')
    await expect(Promise.race([call, late])).rejects.toThrow('given up')
    await db.close()
  })

  test('what waits for a connection ends when the database is closed, and when it is told to', async () => {
    const db = await (await source(TABLE)).open(bridge, { poolSize: 1 })
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
    const holding = db.transaction(() => held)
    holding.catch(() => {})
    await delay(5)
    const aborting = new AbortController()
    const aborted = db.get('SELECT 1', [], { signal: aborting.signal })
    const waiting = Object.entries(CALLS).filter(([name]) => /get|all|each|columns|explain|transaction/.test(name))
    const ends = waiting.map(([, call]) => call(db).catch((error) => error.code))
    await delay(5)
    aborting.abort(new Error('no more'))
    await expect(aborted).rejects.toThrow('no more')
    await db.close()
    expect(await Promise.all(ends)).toEqual(waiting.map(() => 'VFS_CLOSED'))
    await expect(holding).rejects.toMatchObject(closed)
    letGo()
  })

  test('an abort leaves the queue in order', async () => {
    const db = await (await source(TABLE)).open(bridge, { poolSize: 1 })
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
    const holding = db.transaction(() => held)
    await delay(5)
    const aborting = new AbortController()
    const order: string[] = []
    const ask = (name: string, signal?: AbortSignal) =>
      db.get('SELECT 1', [], signal ? { signal } : {}).then(
        () => order.push(name),
        () => order.push(`${name} aborted`),
      )
    const all = [ask('a'), ask('b', aborting.signal), ask('c')]
    await delay(5)
    aborting.abort()
    await delay(5)
    letGo()
    await Promise.all([holding, ...all])
    expect(order).toEqual(['b aborted', 'a', 'c'])
    expect(await db.get('SELECT count(*) AS n FROM t')).toEqual({ n: 3000 })
  })

  test('an iterator that is open gives no rows after close(), and leaving it is no error', async () => {
    const made = await source(TABLE)
    const db = await made.open(bridge)
    const rows = db.each('SELECT id FROM t')
    for (let i = 0; i < 200; i++) await rows.next()
    const left = db.each('SELECT id FROM t')
    await left.next()
    let inTransaction: AsyncGenerator<Row> | undefined
    const working = db.transaction(async (tx) => {
      inTransaction = tx.each('SELECT id FROM t')
      await inTransaction.next()
      await new Promise(() => {})
    })
    working.catch(() => {})
    await delay(20)
    await db.close()
    await expect(rows.next()).rejects.toMatchObject(closed)
    expect(await rows.next()).toEqual({ value: undefined, done: true })
    expect(await left.return(undefined)).toEqual({ value: undefined, done: true })
    await expect(inTransaction!.next()).rejects.toMatchObject(closed)
    await expect(working).rejects.toMatchObject(closed)
  })

  test('a transaction whose pages are all at hand ends, too', async () => {
    const db = await (await source(TABLE)).open(bridge)
    await db.all('SELECT * FROM t')
    let late: Queries | undefined
    const working = db.transaction(async (tx) => {
      late = tx
      await tx.get('SELECT 1')
      await db.close()
      return await tx.get('SELECT count(*) AS n FROM t')
    })
    await expect(working).rejects.toMatchObject(closed)
    await expect(late!.get('SELECT 1')).rejects.toMatchObject(closed)
  })

  test('closing closes everything, though a part of it fails; what that was is the cause of VFS_CLOSED', async () => {
    const made = await source(TABLE)
    const ended: string[] = []
    const failing = altered(memoryReplica({ bucket: made.client.bucket }), {
      close: async () => {
        ended.push('client')
        throw new Error('the line is cut')
      },
    })
    const pool = await ConnectionPool.start(await loadEngineModules(), { bridge })
    const store = { close: async () => void ended.push('store') }
    const db = Database.open(await Replica.open(failing), pool, { store })
    await expect(db.close()).rejects.toThrow('the line is cut')
    expect(ended).toEqual(['client', 'store'])
    const life = new Lifetime()
    life.end()
    const reason = life.reason(new Error('below'))
    expect(reason).toMatchObject({ code: 'VFS_CLOSED', cause: new Error('below') })
    expect(life.reason(reason)).toBe(reason)
    expect(new Lifetime().reason(ended)).toBe(ended)
  })

  test('a query that computes stops when the database is closed', async () => {
    const db = await (await source(TABLE)).open(bridge)
    let cost: unknown
    const computing = db.get('SELECT count(*) FROM t a, t b, t c', [], { onCost: (told) => (cost = told) })
    computing.catch(() => {})
    await delay(50)
    await db.close()
    await expect(computing).rejects.toMatchObject(closed)
    expect(cost).toBeDefined() // it does not go on: its connection was given back
  })

  test('after close() each method says so; what is known stays known; closing again is no error', async () => {
    const db = await (await source(TABLE)).open(bridge)
    const statement = db.prepare('SELECT 1')
    const older = await db.at({ txid: 1n })
    const oldest = await older.at({ txid: 1n })
    const both = [db.close(), db.close()]
    expect(both[0]).toBe(both[1])
    await Promise.all(both)
    await db.close()
    for (const database of [db, older, oldest]) {
      for (const [name, call] of Object.entries(CALLS)) {
        const error = await Promise.resolve()
          .then(() => call(database))
          .catch((error) => error)
        expect(error, name).toMatchObject(closed)
      }
      await expect(database.hydrate()).rejects.toMatchObject(closed)
      expect(() => database.prepare('SELECT 1')).toThrow(expect.objectContaining(closed))
      expect(() => database.pageMap()).toThrow(expect.objectContaining(closed))
      expect([database.txid, database.bookmark()]).toEqual([1n, '0000000000000001'])
      expect(database.stats().requests).toBeGreaterThan(0)
      expect([database.pageSize, database.url, typeof database.timestamp]).toEqual([4096, db.url, 'number'])
      expect(database.lag()).toBeDefined()
    }
    await expect(statement.get()).rejects.toMatchObject(closed)
  })

  test('closing a state ends it and those made of it alone', async () => {
    const db = await (await source(TABLE)).open(bridge)
    const older = await db.at({ txid: 1n })
    const oldest = await older.at({ txid: 1n })
    const rows = older.each('SELECT id FROM t')
    await rows.next()
    await older.close()
    await expect(older.get('SELECT 1')).rejects.toMatchObject(closed)
    await expect(oldest.get('SELECT 1')).rejects.toMatchObject(closed)
    await expect(rows.next()).rejects.toMatchObject(closed)
    expect(await db.get('SELECT count(*) AS n FROM t')).toEqual({ n: 3000 })
  })

  test('a listener that fails changes no result, is heard of, and keeps no connection', async () => {
    const told: unknown[] = []
    vi.stubGlobal('reportError', (error: unknown) => told.push(error))
    onTestFinished(() => void vi.unstubAllGlobals())
    const db = await (await source(TABLE)).open(bridge, { poolSize: 1 })
    const onCost = (): never => {
      throw new Error('of the listener')
    }
    expect(await db.get('SELECT 1 AS n', [], { onCost })).toEqual({ n: 1 })
    expect(await db.all('SELECT 1 AS n', [], { onCost })).toEqual([{ n: 1 }])
    for await (const row of db.each('SELECT 1 AS n', [], { onCost })) expect(row).toEqual({ n: 1 })
    expect(await db.transaction(async () => 7, { onCost })).toBe(7)
    await expect(db.get('SELEC', [], { onCost })).rejects.toMatchObject({ code: 'VFS_SQL' })
    expect(told).toEqual(Array.from({ length: 5 }, () => new Error('of the listener')))
    expect(await db.get('SELECT 2 AS n')).toEqual({ n: 2 })
  })

  test('a connection that cannot be put in order is replaced, and the query keeps its result', async () => {
    const problems: unknown[] = []
    const made = await source(TABLE)
    const db = await made.open(bridge, { poolSize: 1, onProblem: (problem) => problems.push(problem) })
    const end = vi.spyOn(Lease.prototype, 'end')
    onTestFinished(() => end.mockRestore())
    end.mockRejectedValueOnce(new Error('out of order'))
    const [one, other] = await Promise.all([db.get('SELECT 1 AS n'), db.get('SELECT 2 AS n')])
    expect([one, other]).toEqual([{ n: 1 }, { n: 2 }])
    expect(problems).toEqual([new Error('out of order')])
    expect(await db.get('SELECT count(*) AS n FROM t')).toEqual({ n: 3000 })
  })
})

describe('a wait for a connection that nobody would ever give back', () => {
  const refused = { code: 'VFS_DEADLOCK', message: expect.stringMatching(/own `tx`.*larger poolSize/) }

  test('is refused at once where the runtime tells who asks', async () => {
    const context = callContext()
    const db = await (await source(TABLE)).open('jspi', { poolSize: 1, context })
    await db.transaction(async (tx) => {
      await delay(1)
      await expect(db.get('SELECT 1')).rejects.toMatchObject(refused)
      await expect(db.each('SELECT 1').next()).rejects.toMatchObject(refused)
      await expect(db.transaction(async () => 1)).rejects.toMatchObject(refused)
      await expect((await db.at({ txid: 1n })).get('SELECT 1')).rejects.toMatchObject(refused)
      expect(await tx.get('SELECT 1 AS n')).toEqual({ n: 1 })
    })
    expect(await db.get('SELECT 1 AS n')).toEqual({ n: 1 })
  })

  test('nested transactions: the one too many is refused, and those that need not wait for themselves are served', async () => {
    const db = await (await source(TABLE)).open('jspi', { poolSize: 2, context: callContext() })
    await db.transaction(async () => {
      expect(await db.get('SELECT 1 AS n')).toEqual({ n: 1 })
      expect(await Promise.all([db.get('SELECT 1 AS n'), db.get('SELECT 2 AS n')])).toEqual([{ n: 1 }, { n: 2 }])
      await db.transaction(async () => {
        await expect(db.get('SELECT 1')).rejects.toMatchObject(refused)
      })
    })
    // Two that wait for each other: the second to ask is refused, and the first goes on.
    const nested = () =>
      db.transaction(async () => {
        await delay(10)
        return await db.get('SELECT 1 AS n').catch((error) => error.code)
      })
    const results = await Promise.all([nested(), nested()])
    expect(results).toEqual([{ n: 1 }, 'VFS_DEADLOCK'])
  })

  test('one from elsewhere waits, and so does work that outlives its transaction', async () => {
    const db = await (await source(TABLE)).open('jspi', { poolSize: 1, context: callContext() })
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
    let late: Promise<unknown> | undefined
    const first = db.transaction(async () => {
      late = held.then(() => delay(20)).then(() => db.get('SELECT 3 AS n'))
    })
    await first
    const holding = db.transaction(() => held)
    const elsewhere = db.get('SELECT 2 AS n')
    await delay(20)
    letGo()
    await holding
    const again = db.transaction(() => delay(40))
    expect(await elsewhere).toEqual({ n: 2 })
    expect(await late).toEqual({ n: 3 })
    await again
  })

  test.each(BRIDGES)('elsewhere when all holders have asked for nothing for long, bridge %s', async (bridge) => {
    const db = await (await source(TABLE)).open(bridge, { poolSize: 2, deadlockMs: 60 })
    const rows = db.each('SELECT id FROM t')
    await rows.next()
    const begun = performance.now()
    await db.transaction(async () => {
      await expect(db.get('SELECT 1')).rejects.toMatchObject(refused)
    })
    expect(performance.now() - begun).toBeGreaterThanOrEqual(50)
    await rows.return(undefined)
    expect(await db.get('SELECT 1 AS n')).toEqual({ n: 1 })
  })

  test('but not while one of them goes on asking', async () => {
    const db = await (await source(TABLE)).open('jspi', { poolSize: 1, deadlockMs: 400 })
    const { promise: asked, resolve: wait } = Promise.withResolvers<void>()
    const busy = db.transaction(async (tx) => {
      await asked
      const end = performance.now() + 1000
      while (performance.now() < end) {
        await tx.get('SELECT 1')
        await delay(10)
      }
    })
    await delay(5)
    const waiting = db.get('SELECT 2 AS n')
    wait()
    expect(await waiting).toEqual({ n: 2 })
    await busy
  })
})

describe('ConnectionPool', () => {
  test('what waits for an instance that cannot be started gets its own try, or the error', async () => {
    const modules = await loadEngineModules()
    let failing = false
    const pool = await ConnectionPool.start(
      {
        ...modules,
        sqlite: async (bridge) => (failing ? Promise.reject(new Error('no memory')) : modules.sqlite(bridge)),
      },
      { poolSize: 1 },
    )
    const loan = await pool.take(undefined)
    failing = true
    const waiting = [1, 2, 3].map(async () => pool.take(undefined))
    loan.discard()
    const results = await Promise.allSettled(waiting)
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    failing = false
    const again = await pool.take(undefined)
    again.give()
    again.give() // once is enough
    const [a, b] = [pool.take(undefined), pool.take(undefined)]
    expect(a).not.toBeInstanceOf(Promise)
    expect(b).toBeInstanceOf(Promise)
    pool.close()
    await expect(b).rejects.toMatchObject(closed)
    expect(() => pool.take(undefined)).toThrow(expect.objectContaining(closed))
  })

  test.each([0, -1, 1.5, Number.NaN])('no pool of %s', async (poolSize) => {
    const error = await ConnectionPool.start(await loadEngineModules(), { poolSize }).catch((error) => error)
    expect(isVfsError(error, 'VFS_USAGE')).toBe(true)
  })
})
