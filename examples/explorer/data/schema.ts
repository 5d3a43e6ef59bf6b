import type { Database } from '../../../entry/web.ts'

export interface Column {
  readonly name: string
  readonly type: string
  readonly notNull: boolean
  /** Place in the primary key, from 1; 0 for none. */
  readonly key: number
}

export interface Relation {
  readonly name: string
  readonly kind: 'table' | 'view' | 'virtual'
  readonly sql: string
  readonly columns: readonly Column[]
  readonly indexes: readonly string[]
}

export interface Schema {
  readonly relations: readonly Relation[]
  /** Pages, and the bytes of one. */
  readonly pages: number
  readonly pageSize: number
  /** Another number: another schema. */
  readonly version: number
}

const FACTS = `SELECT page_count AS pages, page_size AS pageSize, schema_version AS version
  FROM pragma_page_count, pragma_page_size, pragma_schema_version`
const RELATIONS = `SELECT l.name, l.type, m.sql FROM pragma_table_list AS l JOIN sqlite_schema AS m ON m.name = l.name
  WHERE l.schema = 'main' AND l.type IN ('table', 'view', 'virtual') AND m.type IN ('table', 'view')
  AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND l.name NOT LIKE '\\_litestream\\_%' ESCAPE '\\' ORDER BY l.name`
const COLUMNS = 'SELECT name, type, "notnull", pk FROM pragma_table_xinfo(?) WHERE hidden <> 1'
const INDEXES = "SELECT tbl_name, name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"

/** What a database consists of, at one state of it. */
export async function readSchema(db: Database, signal: AbortSignal): Promise<Schema> {
  return await db.transaction(
    async (tx) => {
      const facts = await tx.get(FACTS)
      const indexes = Map.groupBy(await tx.all(INDEXES), (row) => String(row.tbl_name))
      const relations: Relation[] = []
      for (const { name, type, sql } of await tx.all(RELATIONS)) {
        // A view of a table that is gone has no columns to show, and is no reason to show nothing.
        const columns = await tx.all(COLUMNS, [name as string]).catch(() => [])
        relations.push({
          name: String(name),
          kind: type as Relation['kind'],
          sql: String(sql),
          columns: columns.map((row) => ({
            name: String(row.name),
            type: String(row.type),
            notNull: row.notnull === 1,
            key: Number(row.pk),
          })),
          indexes: (indexes.get(String(name)) ?? []).map((row) => String(row.name)),
        })
      }
      return {
        relations,
        pages: Number(facts?.pages),
        pageSize: Number(facts?.pageSize),
        version: Number(facts?.version),
      }
    },
    { signal },
  )
}

/** A name as SQL has it: quoted where it has to be. */
export function quoteName(name: string): string {
  return /^[a-z_][a-z0-9_]*$/i.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}
