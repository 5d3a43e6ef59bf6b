import { drizzle, type SqliteRemoteDatabase } from 'drizzle-orm/sqlite-proxy'
import type { Database, SqlParameters } from 'litetap'

/** Drizzle over a replica: `litetapDrizzle(await open(url), schema)`. Read-only. */
export function litetapDrizzle<Schema extends Record<string, unknown>>(
  database: Database,
  schema?: Schema,
): SqliteRemoteDatabase<Schema> {
  return drizzle<Schema>(
    async (sql, parameters, method) => {
      const rows = await database.all(sql, parameters as SqlParameters, { rows: 'array' })
      // Of `get` Drizzle wants the row itself.
      return { rows: method === 'get' ? (rows[0] as unknown[]) : rows }
    },
    schema ? { schema } : {},
  )
}
