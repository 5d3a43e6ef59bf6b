import type { Database, Queries, QueryOptions } from '../../vfs/index.ts'
import type { Query } from './native.ts'
import type { Excuses, Sight } from './oracle.ts'
import type { World } from './world.ts'
import type { Rank } from './writer-model.ts'

/** How a query is asked. */
export interface Asking {
  readonly sight: Sight
  readonly excuses: Excuses
  readonly options?: QueryOptions
}

type Row = Record<string, unknown>

/**
 * Ask a query in one of the ways there are, and judge what comes.
 * @returns the state it ran on, where it says so; 'failed' for a failure that is excused
 * @throws Wrong
 */
export async function ask(
  world: World,
  on: Queries | Database,
  query: Query,
  asking: Asking,
): Promise<Rank | 'failed' | undefined> {
  const { sight, excuses } = asking
  try {
    const { rows, complete } = await fetchRows(world, on, query, asking.options ?? {})
    return world.oracle.rows(query, rows, complete, sight)
  } catch (error) {
    world.oracle.failure(error, query, sight, excuses)
    world.note(`  failed: ${String(error).slice(0, 160)}`)
    return 'failed'
  }
}

async function fetchRows(
  world: World,
  on: Queries | Database,
  { sql, parameters }: Query,
  options: QueryOptions,
): Promise<{ rows: Row[]; complete: boolean }> {
  const choice = world.random()
  if (choice < 0.3) {
    const row = await on.get(sql, parameters, options)
    return { rows: row ? [row] : [], complete: row === undefined }
  }
  if (choice < 0.65) return { rows: await on.all(sql, parameters, options), complete: true }
  if (choice < 0.75) return { rows: await byColumn(on, { sql, parameters }, options), complete: true }
  return await iterated(world, on, { sql, parameters }, options)
}

/** As arrays, put together with the names of the columns: these are of the same state only within a transaction. */
async function byColumn(on: Queries | Database, { sql, parameters }: Query, options: QueryOptions): Promise<Row[]> {
  const rows = await on.all(sql, parameters, { ...options, rows: 'array' })
  const { signal } = options
  const names = await on.columns(sql, signal && { signal })
  if (rows.some((row) => row.length !== names.length)) return await on.all(sql, parameters, options)
  return rows.map((row) => Object.fromEntries(row.map((value, i) => [names[i]!, value])))
}

/** Row by row, with pauses, perhaps not to the end. */
async function iterated(
  world: World,
  on: Queries | Database,
  { sql, parameters }: Query,
  options: QueryOptions,
): Promise<{ rows: Row[]; complete: boolean }> {
  const rows: Row[] = []
  const leaveAfter = world.random() < 0.5 ? Math.floor(world.random() * 6) : Number.POSITIVE_INFINITY
  for await (const row of on.each(sql, parameters, options)) {
    rows.push(row)
    if (rows.length > leaveAfter) return { rows, complete: false }
    if (rows.length < 8 && world.random() < 0.4) await world.pause(12)
  }
  return { rows, complete: true }
}
