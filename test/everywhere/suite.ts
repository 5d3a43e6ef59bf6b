// The suite that every runtime runs: against what its own entry of the package gives, over HTTP, in the runtime itself.
import type { Database, OpenOptions } from '../../entry/web.ts'
import { flakyFetch, heldFetch } from './odd-fetch.ts'
import { type Bridge, type CaseResult, type Report, rowsText } from './report.ts'
import type { Advanced, SceneData } from './scene-data.ts'

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
  /** Whether the runtime can keep pages for the next time by name (the Cache API). */
  readonly keepsPages?: boolean
  /** For all openings, beside the bridge. */
  readonly options?: OpenOptions
}

/** Endless, and nothing to wait for. */
const ENDLESS = 'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n'
const COUNT_MOMENTS = 'SELECT count(*) AS n FROM moments'

/** Run all cases, one after the other. Never throws because of one. */
export async function runSuite(
  litetap: Litetap,
  { origin, bridge, runtime, keepsPages, options }: SuiteOptions,
): Promise<Report> {
  const scene = (await (await fetch(`${origin}/scene.json`)).json()) as SceneData
  const url = `${origin}/app`
  const open = (more: OpenOptions = {}): Promise<Database> =>
    litetap.open(url, { checkIntervalMs: 0, bridge, ...options, ...more })
  const jspi = 'Suspending' in WebAssembly && 'promising' in WebAssembly
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

  await test('every query as the system’s SQLite answers it, cold and warm', () =>
    withDatabase({ sqliteCacheBytes: 8192 }, async (db) => {
      for (const { sql, rows } of scene.queries) {
        expectEqual(rowsText(await db.all(sql)), rows, sql)
        expectEqual(rowsText(await db.all(sql)), rows, `${sql}, again`)
      }
    }))

  await test('queries side by side', () =>
    withDatabase({}, async (db) => {
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

  if (bridge === 'jspi') {
    await test('a query that computes is cancelled, and lets others run', () =>
      withDatabase({}, async (db) => {
        const stop = new AbortController()
        setTimeout(() => stop.abort(new Error('stopped')), 50)
        expectEqual(await failureOf(db.all(ENDLESS, [], { signal: stop.signal })), 'stopped', 'failure')
        expectEqual(rowsText(await db.all(scene.queries[1]!.sql)), scene.queries[1]!.rows, 'the next one')
      }))
  }

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

  return { runtime, jspi, bridge, cases }
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
