import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { lent, type ReplicaClient } from '../../storage/index.ts'
import { type Finding, ok, warning } from './finding.ts'

/** What of a database decides whether the reader's SQLite can read it. */
export interface Readable {
  /** As its header has it: 1 UTF-8, 2 UTF-16le, 3 UTF-16be; 0 while nothing was written. */
  readonly encoding: number
  /** The SQL of its virtual tables. */
  readonly virtualTables: readonly string[]
}

/** The modules for virtual tables that can be in a schema and that the reader's SQLite has (docs/sqlite-support.md). */
export const READER_MODULES: readonly string[] = ['dbstat', 'fts5', 'fts5vocab', 'rtree', 'rtree_i32']

/** What people call a module that the reader lacks. */
const FEATURES: Readonly<Record<string, string>> = {
  fts3: 'FTS3/FTS4',
  fts4: 'FTS3/FTS4',
  fts4aux: 'FTS3/FTS4',
  fts3tokenize: 'FTS3/FTS4',
  geopoly: 'Geopoly',
}

const VIRTUAL_TABLES = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND rootpage = 0 AND sql IS NOT NULL"
const ENCODING_OFFSET = 56
const ENCODINGS = ['UTF-8', 'UTF-8', 'UTF-16le', 'UTF-16be']
const HINT = 'It is replicated and restored all the same. docs/sqlite-support.md has what the reader lacks.'

/** @param check what it is of */
export function judgeReadable(check: string, { encoding, virtualTables }: Readable): Finding {
  if (encoding > 1) {
    const name = ENCODINGS[encoding] ?? `number ${encoding}`
    return warning(check, `litetap's reader cannot open it: its encoding is ${name}, and it reads UTF-8 alone`, HINT)
  }
  const lacking = virtualTables.flatMap((sql) => {
    const { table, module } = virtualTable(sql) ?? {}
    if (module === undefined || READER_MODULES.includes(module)) return []
    const feature = FEATURES[module]
    return [`${table} (module ${module}${feature === undefined ? '' : `: ${feature}`})`]
  })
  if (lacking.length === 0) return ok(check, "litetap's reader has what it needs")
  return warning(check, `litetap's reader cannot query these tables of it: ${lacking.join(', ')}`, HINT)
}

const NAME = /"(?:[^"]|"")+"|\[[^\]]+\]|`(?:[^`]|``)+`|'(?:[^']|'')+'|[^\s"'.([`]+/.source
/** As SQLite keeps it: what stood before the name is written anew, what follows is as it was given. */
const VIRTUAL_TABLE = new RegExp(`^CREATE VIRTUAL TABLE (${NAME})\\s*USING\\s*(${NAME})`, 'i')

function virtualTable(sql: string): { table: string; module: string } | undefined {
  const [, table, module] = VIRTUAL_TABLE.exec(sql) ?? []
  return table === undefined || module === undefined ? undefined : { table, module: unquoted(module).toLowerCase() }
}

function unquoted(name: string): string {
  return /^["'`[]/.test(name) ? name.slice(1, -1) : name
}

/** The database itself, as it is; nothing is written beside it. */
export async function checkDatabaseReadable(path: string): Promise<Finding> {
  const { DatabaseSync } = await import('node:sqlite')
  const url = pathToFileURL(path)
  // Without a WAL, SQLite would make one for a reader.
  if (!existsSync(`${path}-wal`)) url.searchParams.set('immutable', '1')
  const db = new DatabaseSync(url, { readOnly: true })
  try {
    const { encoding } = db.prepare('PRAGMA encoding').get() as { encoding: string }
    const rows = db.prepare(VIRTUAL_TABLES).all() as unknown as readonly { sql: string }[]
    const virtualTables = rows.map(({ sql }) => sql)
    return judgeReadable('reader', { encoding: ENCODINGS.lastIndexOf(encoding), virtualTables })
  } finally {
    db.close()
  }
}

/** The newest state of its replica, by the reader itself. @param client stays open */
export async function checkReplicaReadable(client: ReplicaClient): Promise<Finding> {
  const [{ Replica }, { ConnectionPool, Database }, { loadEngineModules }] = await Promise.all([
    import('../../replica/index.ts'),
    import('../../vfs/index.ts'),
    import('../../vfs/load-node.ts'),
  ])
  const pool = await ConnectionPool.start(await loadEngineModules(), { poolSize: 1 })
  const replica = await Replica.open(lent(client).client)
  const db = Database.open(replica, pool)
  try {
    const page = await replica.pin(replica.state).fetch(1)
    const encoding = new DataView(page.buffer, page.byteOffset).getUint32(ENCODING_OFFSET)
    const rows = encoding > 1 ? [] : await db.all(VIRTUAL_TABLES)
    return judgeReadable('replica reader', { encoding, virtualTables: rows.map(({ sql }) => String(sql)) })
  } finally {
    await db.close()
  }
}
