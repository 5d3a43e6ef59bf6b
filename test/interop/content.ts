import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { applyTransaction, lastSeq, prepare, type Workload } from './workload.ts'

/** Everything in a database: the schema and each table's rows in rowid or key order, hashed; equal iff the content is. */
export type Content = Readonly<Record<string, string>>

/** Open a restored database as it lies on disk, leaving no side files. */
export function openImmutable(path: string): DatabaseSync {
  return new DatabaseSync(new URL(`${pathToFileURL(path).href}?immutable=1`), { readOnly: true })
}

export function contentOf(db: DatabaseSync): Content {
  const schema = db.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name').all()
  const content: Record<string, string> = { schema: hash(JSON.stringify(schema)) }
  for (const { name } of schema.filter(({ type }) => type === 'table')) {
    content[String(name)] = tableContent(db, String(name))
  }
  return content
}

/** Without what replicators add to the database for their own use (facts 3.3). */
export function withoutControlTables(db: DatabaseSync): Content {
  const own = db.prepare("SELECT type, name, sql FROM sqlite_schema WHERE name NOT GLOB '_litestream_*' ORDER BY name")
  const tables = Object.entries(contentOf(db)).filter(([name]) => !name.startsWith('_litestream_'))
  return { ...Object.fromEntries(tables), schema: hash(JSON.stringify(own.all())) }
}

/** SHA-256 of a file, to compare restored databases byte for byte. */
export function fileHash(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

/** Every committed state of a workload, computed again on a database of its own; only forwards. */
export class Prefixes {
  #workload: Workload
  #db = new DatabaseSync(':memory:')

  constructor(workload: Workload) {
    this.#workload = workload
    prepare(this.#db, workload)
  }

  /** The content after transaction `seq`. `seq` must not go back. */
  at(seq: number): Content {
    const done = lastSeq(this.#db)
    if (done > seq) throw new RangeError(`Prefixes only go forwards: at ${done}, asked for ${seq}`)
    for (let next = done + 1; next <= seq; next++) applyTransaction(this.#db, this.#workload, next)
    return withoutControlTables(this.#db)
  }

  close(): void {
    this.#db.close()
  }
}

function tableContent(db: DatabaseSync, name: string): string {
  const hashing = createHash('sha256')
  let rows = 0
  const columns = db.prepare(`SELECT name FROM pragma_table_info('${name}')`).all()
  const order = columns.map((column) => `"${column.name}"`).join(', ')
  for (const row of db.prepare(`SELECT * FROM "${name}" ORDER BY ${order}`).iterate()) {
    rows++
    for (const value of Object.values(row)) {
      hashing.update(value instanceof Uint8Array ? value : `${typeof value}:${value}`).update('\0')
    }
  }
  return `${rows} rows ${hashing.digest('hex')}`
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
