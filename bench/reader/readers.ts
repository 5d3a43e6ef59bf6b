import { rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Rows, Value } from '../support/canonical-rows.ts'
import type { Query } from './scenarios.ts'

/** What a subject process is to read, and with what. */
export type ReaderOptions =
  | { readonly kind: 'native'; readonly databasePath: string }
  | { readonly kind: 'memory'; readonly databasePath: string }
  | { readonly kind: 'litestream-vfs' }
  | { readonly kind: 'download'; readonly url: string }
  | {
      readonly kind: 'litetap'
      readonly url: string
      readonly bridge: 'jspi' | 'asyncify'
      readonly cachePath?: string
      /** Bring the whole database into `cachePath`, in the background, from opening on. */
      readonly hydrate?: boolean
    }

/** One way to query a replica, opened. The one thing a subject has to be. */
export interface Reader {
  query(query: Query): Promise<Rows>
  /** True where queries can be under way at the same time. */
  readonly parallel: boolean
  /** Round trips by its own count. */
  roundTrips?(): number
  close(): Promise<void>
}

/** A subject's code, loaded, with nothing opened yet. */
export type OpenReader = () => Promise<Reader>

/** Load what a kind of reader needs, so that `open` alone can be timed. */
export async function loadReader(options: ReaderOptions): Promise<OpenReader> {
  if (options.kind === 'native') return async () => nativeReader(options.databasePath)
  if (options.kind === 'memory') return loadMemory(options.databasePath)
  if (options.kind === 'litestream-vfs') return loadLitestream()
  await import('../../storage/s3/index.ts')
  return options.kind === 'download' ? loadDownload(options.url) : loadLitetap(options)
}

function nativeReader(path: string): Reader {
  const db = new DatabaseSync(path, { readOnly: true })
  return {
    parallel: false,
    query: async ({ sql, parameters }) => allRows(db, sql, parameters),
    close: async () => db.close(),
  }
}

/** Statements are kept, as litetap keeps them. */
const prepared = new Map<string, ReturnType<DatabaseSync['prepare']>>()

function allRows(db: DatabaseSync, sql: string, parameters: Query['parameters']): Rows {
  let statement = prepared.get(sql)
  if (statement === undefined) {
    statement = db.prepare(sql)
    statement.setReturnArrays(true)
    prepared.set(sql, statement)
  }
  return statement.all(...parameters) as unknown as Rows
}

/** Litestream's extension; the replica's URL is in the environment. */
function loadLitestream(): OpenReader {
  const { getLoadablePath } = createRequire(import.meta.url)('litestream-vfs') as { getLoadablePath(): string }
  new DatabaseSync(':memory:', { allowExtension: true }).loadExtension(getLoadablePath())
  return async () => nativeReader('file:replica?vfs=litestream')
}

async function loadDownload(url: string): Promise<OpenReader> {
  const [{ openReplica }, { restore }] = await Promise.all([
    import('../../storage/node.ts'),
    import('../../writer/index.ts'),
  ])
  return async () => {
    const path = join(tmpdir(), `litetap-bench-download-${process.pid}.db`)
    const client = await openReplica(url)
    await restore(client, path, { force: true })
    await client.close()
    const reader = nativeReader(path)
    return {
      ...reader,
      close: async () => {
        await reader.close()
        for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
      },
    }
  }
}

async function loadLitetap(options: Extract<ReaderOptions, { kind: 'litetap' }>): Promise<OpenReader> {
  const { open } = await import('../../index.ts')
  const { url, bridge, cachePath } = options
  return async () => {
    const db = await open(url, { bridge, ...(cachePath !== undefined && { cache: { path: cachePath } }) })
    if (options.hydrate) db.hydrate().catch(() => {}) // closing ends it
    return {
      parallel: true,
      query: ({ sql, parameters }) => db.all(sql, [...parameters], { rows: 'array' }),
      roundTrips: () => db.stats().roundTrips,
      close: () => db.close(),
    }
  }
}

/** The same WASM SQLite with the database in its memory, through its own JavaScript API. */
async function loadMemory(databasePath: string): Promise<OpenReader> {
  const { default: init } = await import('@sqlite.org/sqlite-wasm')
  const sqlite = await init()
  return async () => {
    const db = new sqlite.oo1.DB(':memory:')
    const bytes = new Uint8Array(await readFile(databasePath))
    // WAL needs shared memory, which a database in memory has not.
    bytes[18] = 1
    bytes[19] = 1
    const at = sqlite.wasm.allocFromTypedArray(bytes)
    const flags = sqlite.capi.SQLITE_DESERIALIZE_FREEONCLOSE | sqlite.capi.SQLITE_DESERIALIZE_READONLY
    const code = sqlite.capi.sqlite3_deserialize(db.pointer!, 'main', at, bytes.length, bytes.length, flags)
    db.checkRc(code)
    const statements = new Map<string, ReturnType<typeof db.prepare>>()
    return {
      parallel: false,
      query: async ({ sql, parameters }) => {
        const statement = statements.get(sql) ?? db.prepare(sql)
        statements.set(sql, statement)
        if (parameters.length > 0) statement.bind([...parameters])
        const rows: Value[][] = []
        while (statement.step()) rows.push(statement.get([]) as Value[])
        statement.reset()
        return rows
      },
      close: async () => {
        for (const statement of statements.values()) statement.finalize()
        db.close()
      },
    }
  }
}
