// The suite that every runtime runs: against what its own entry of the package gives, over HTTP, in the runtime itself.
import type { Database, OpenOptions } from '../../entry/web.ts'
import { flakyFetch, heldFetch, slowFetch } from './odd-fetch.ts'
import { BRIDGES, type Bridge, type CaseResult, type Report, rowsText } from './report.ts'
import type { Advanced, SceneData } from './scene-data.ts'
import { watchBridges } from './watch-bridges.ts'

/** The entry under test. */
export interface Litetap {
  open(source: string, options?: OpenOptions): Promise<Database>
}

export interface SuiteOptions {
  /** Where the scene is served, without a slash at the end. */
  readonly origin: string
  readonly bridge: Bridge
  /** What the runtime says that it is. */
  readonly runtime: string
  /** What the entry under test has SQLite for. Default: both. */
  readonly builds?: readonly Bridge[]
  /** Whether the runtime can keep pages for the next time by name (the Cache API). */
  readonly keepsPages?: boolean
  /** For all openings, beside the bridge. */
  readonly options?: OpenOptions
}

/** Endless, and nothing to wait for. */
const ENDLESS = 'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n'
/** With less room than any query needs, pages leave before they are read again: SQLite waits for them over and over. */
const LITTLE_ROOM = { poolSize: 1, sqliteCacheBytes: 8192, cache: { memoryBytes: 65_536 } } satisfies OpenOptions
const COUNT_MOMENTS = 'SELECT count(*) AS n FROM moments'

/** Run all cases, one after the other. Never throws because of one. */
export async function runSuite(
  litetap: Litetap,
  { origin, bridge, runtime, builds = BRIDGES, keepsPages, options }: SuiteOptions,
): Promise<Report> {
  const jspi = 'Suspending' in WebAssembly && 'promising' in WebAssembly
  const watch = watchBridges()
  const scene = (await (await fetch(`${origin}/scene.json`)).json()) as SceneData
  const url = `${origin}/app`
  const open = (more: OpenOptions = {}): Promise<Database> =>
    litetap.open(url, { checkIntervalMs: 0, bridge, ...options, ...more })
  const cases: CaseResult[] = []

  const test = async (name: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work()
      cases.push({ name })
    } catch (error) {
      cases.push({ name, error: describe(error) })
    }
  }
  const withDatabase = async (more: OpenOptions, work: (db: Database) => Promise<void>): Promise<void> => {
    const db = await open(more)
    try {
      await work(db)
    } finally {
      await db.close()
    }
  }

  const waiting = async (least: number, work: () => Promise<void>): Promise<void> => {
    const before = watch.suspensions()[bridge]
    await work()
    const times = watch.suspensions()[bridge] - before
    if (times < least) throw new Error(`SQLite was suspended ${times} times, not ${least}: the case shows nothing`)
  }

  await test('every query as the system’s SQLite answers it, cold and warm', () =>
    withDatabase({ sqliteCacheBytes: 8192 }, async (db) => {
      for (const { sql, rows } of scene.queries) {
        expectEqual(rowsText(await db.all(sql)), rows, sql)
        expectEqual(rowsText(await db.all(sql)), rows, `${sql}, again`)
      }
    }))

  await test('queries side by side', () =>
    withDatabase({ poolSize: 4 }, async (db) => {
      const found = await Promise.all(scene.queries.map(async ({ sql }) => rowsText(await db.all(sql))))
      for (const [i, { sql, rows }] of scene.queries.entries()) expectEqual(found[i], rows, sql)
    }))

  await test('what was read once costs nothing', () =>
    withDatabase({ checkIntervalMs: 60_000 }, async (db) => {
      const { sql } = scene.queries[0]!
      await db.all(sql)
      const { requests } = db.stats()
      await db.all(sql)
      expectEqual(db.stats().requests, requests, 'requests')
    }))

  await test('older states', () =>
    withDatabase({}, async (db) => {
      for (const { txid, moments } of scene.past) {
        const then = await db.at({ txid: BigInt(`0x${txid}`) })
        expectEqual((await then.get(COUNT_MOMENTS))?.n, moments, `moments at ${txid}`)
      }
    }))

  await test('a new transaction arrives', () =>
    withDatabase({}, async (db) => {
      const { txid, moments } = (await (await fetch(`${origin}/advance`, { method: 'POST' })).json()) as Advanced
      await db.waitFor(txid, { timeoutMs: 10_000 })
      expectEqual((await db.get(COUNT_MOMENTS))?.n, moments, 'moments')
      expectEqual(db.bookmark(), txid, 'bookmark')
    }))

  await test('a query that waits is cancelled, and the next one is right', async () => {
    const held = heldFetch()
    await withDatabase({ fetch: held.fetch }, async (db) => {
      const { sql, rows } = scene.queries[0]!
      const stop = new AbortController()
      const query = db.all(sql, [], { signal: stop.signal })
      const reached = held.hold()
      await Promise.race([reached, query])
      stop.abort(new Error('stopped'))
      expectEqual(await failureOf(query), 'stopped', 'failure')
      held.release()
      expectEqual(rowsText(await db.all(sql)), rows, sql)
    })
  })

  await test('a query that computes is cancelled, and lets others run', () =>
    withDatabase({}, async (db) => {
      const stop = new AbortController()
      setTimeout(() => stop.abort(new Error('stopped')), 50)
      expectEqual(await failureOf(db.all(ENDLESS, [], { signal: stop.signal })), 'stopped', 'failure')
      expectEqual(rowsText(await db.all(scene.queries[1]!.sql)), scene.queries[1]!.rows, 'the next one')
    }))

  await test('a read fails while SQLite waits in a transaction: it goes on with the right rows', async () => {
    const slow = slowFetch(1)
    await withDatabase({ ...LITTLE_ROOM, fetch: slow.fetch, checkIntervalMs: 60_000 }, (db) =>
      waiting(10, async () => {
        await db.transaction(async (tx) => {
          await tx.all('CREATE TEMP TABLE kept AS SELECT id FROM customers WHERE id <= 100')
          for (const { sql, rows } of scene.streams.slice(-2)) {
            slow.gone = true
            expectEqual(await codeOf(tx.all(sql)), 'STORAGE_UNREACHABLE', sql)
            slow.gone = false
            expectEqual(rowsText(await tx.all(sql)), rows, `${sql}, again`)
          }
          expectEqual(
            rowsText(await tx.all('SELECT count(*) AS n, sum(id) AS s FROM kept')),
            '[{"n":100,"s":5050}]',
            'kept',
          )
        })
        expectEqual(rowsText(await db.all(scene.growing.sql)), scene.growing.rows, 'after the transaction')
      }),
    )
  })

  await test('a transaction is cancelled at any wait, and its instance answers the next one', async () => {
    const held = heldFetch()
    await withDatabase({ ...LITTLE_ROOM, fetch: held.fetch, checkIntervalMs: 60_000 }, (db) =>
      waiting(10, async () => {
        for (const [i, { sql, rows }] of scene.streams.slice(-3).entries()) {
          const stop = new AbortController()
          const work = db.transaction(
            async (tx) => {
              await tx.all('CREATE TEMP TABLE dropped (x)')
              const reached = held.hold(i) // one wait later each time
              const query = tx.all(sql)
              await Promise.race([reached, query])
              stop.abort(new Error('stopped'))
              await query
            },
            { signal: stop.signal },
          )
          expectEqual(await failureOf(work), 'stopped', sql)
          held.release()
          expectEqual(rowsText(await db.all(sql)), rows, `${sql}, the next one`)
        }
      }),
    )
  })

  await test('memory grows between two waits of one query', () =>
    withDatabase({ ...LITTLE_ROOM, fetch: slowFetch(1).fetch }, (db) =>
      waiting(10, async () => {
        const before = watch.grownBetween()
        expectEqual(rowsText(await db.all(scene.growing.sql)), scene.growing.rows, 'rows')
        expectEqual(watch.grownBetween() > before, true, 'memory has grown')
      }),
    ))

  for (const { sql, rows } of scene.deep) {
    await test(`a deep nest waits for its pages: ${sql.length} characters of SQL`, () =>
      withDatabase({ ...LITTLE_ROOM, fetch: slowFetch(1).fetch }, (db) =>
        waiting(3, async () => expectEqual(rowsText(await db.all(sql)), rows, sql)),
      ))
  }

  await test('many iterators take turns in one transaction', () =>
    withDatabase({ ...LITTLE_ROOM, fetch: slowFetch(1).fetch }, (db) =>
      waiting(10, () =>
        db.transaction(async (tx) => {
          const streams = [...scene.streams, ...scene.streams.toReversed()]
          const found = await Promise.all(streams.map(({ sql }) => Array.fromAsync(tx.each(sql))))
          for (const [i, { sql, rows }] of streams.entries()) expectEqual(rowsText(found[i]!), rows, sql)
        }),
      ),
    ))

  await test('replies that fail, break off or are cut short are asked for again', () =>
    withDatabase({ fetch: flakyFetch({ every: 5 }) }, async (db) => {
      const { sql, rows } = scene.queries[0]!
      expectEqual(rowsText(await db.all(sql)), rows, sql)
    }))

  await test('a server that is gone is an error of the store, and the connection goes on', async () => {
    let gone = false
    const fetchOrFail: typeof fetch = (input, init) =>
      gone ? Promise.reject(new TypeError('gone')) : fetch(input, init)
    await withDatabase({ fetch: fetchOrFail, checkIntervalMs: 60_000 }, async (db) => {
      const { sql, rows } = scene.queries[0]!
      gone = true
      expectEqual(await codeOf(db.all(sql)), 'STORAGE_UNREACHABLE', 'code')
      gone = false
      expectEqual(rowsText(await db.all(sql)), rows, sql)
    })
  })

  if (keepsPages) {
    await test('pages outlive the database: opened again, a query costs next to nothing', async () => {
      const { sql, rows } = scene.queries[0]!
      const cache = { name: `suite ${bridge}` }
      let first = 0
      await withDatabase({ cache }, async (db) => {
        let progress = 0
        await db.hydrate({ onProgress: ({ done }) => (progress = done) })
        expectEqual(progress > 0, true, 'progress')
        expectEqual(rowsText(await db.all(sql)), rows, sql)
        first = db.stats().requests
      })
      await withDatabase({ cache }, async (db) => {
        expectEqual(rowsText(await db.all(sql)), rows, sql)
        const { requests } = db.stats()
        if (requests > 4) throw new Error(`${requests} requests, and ${first} the first time`)
      })
    })
  }

  await test('a budget ends a query', () =>
    withDatabase({}, async (db) => {
      const query = db.all(scene.queries[0]!.sql, [], { budget: { maxRequests: 1 } })
      expectEqual(await codeOf(query), 'REPLICA_BUDGET', 'code')
    }))

  await test('SQL that is wrong, and SQL that would write', () =>
    withDatabase({}, async (db) => {
      expectEqual(await codeOf(db.all('SELEKT 1')), 'VFS_SQL', 'code')
      expectEqual(await codeOf(db.all('DELETE FROM moments')), 'VFS_READONLY', 'code')
    }))

  const suspensions = watch.suspensions()
  const { sql, rows } = scene.queries[0]!
  const usual: Bridge = jspi ? 'jspi' : 'asyncify'
  await test(`nobody chooses: it is ${usual}`, async () => {
    const db = await litetap.open(url, options)
    expectEqual(rowsText(await db.all(sql)), rows, sql)
    await db.close()
    const used = BRIDGES.filter((each) => watch.suspensions()[each] > suspensions[each])
    expectEqual(used.join(), usual, 'used')
  })

  for (const absent of BRIDGES.filter((each) => !builds.includes(each) || (each === 'jspi' && !jspi))) {
    await test(`${absent} is refused`, async () => {
      expectEqual(await codeOf(open({ bridge: absent })), 'VFS_ENGINE', 'code')
    })
  }

  return { runtime, jspi, suspensions, cases }
}

function expectEqual(found: unknown, expected: unknown, what: string): void {
  if (found !== expected) throw new Error(`${what}: expected ${short(expected)}, got ${short(found)}`)
}

async function failureOf(query: Promise<unknown>): Promise<string> {
  return await query.then(
    () => 'no failure',
    (error) => (error as Error).message,
  )
}

async function codeOf(query: Promise<unknown>): Promise<string> {
  return await query.then(
    () => 'no failure',
    (error) => String((error as { code?: unknown }).code ?? error),
  )
}

function short(value: unknown): string {
  const text = String(value)
  return text.length > 300 ? `${text.slice(0, 300)}...` : text
}

function describe(error: unknown): string {
  const { stack, message, code } = error as { stack?: string; message?: string; code?: string }
  return `${code ?? ''} ${message ?? String(error)}\n${stack ?? ''}`.trim()
}
