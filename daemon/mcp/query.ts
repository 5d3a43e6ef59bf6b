import { parseTXID } from '../../ltx/index.ts'
import { parseTime, type StateTarget } from '../../replica/index.ts'
import { configuredDatabase, isReplicaURL } from './find-replica.ts'
import type { McpSubject, QueryableDatabase } from './subject.ts'
import { ToolError } from './tool-error.ts'

export interface QueryArguments {
  readonly path: string
  readonly sql: string
  readonly config?: string | undefined
  readonly at?: string | undefined
  readonly max_rows?: number | undefined
}

export const ROWS_DEFAULT = 100
export const ROWS_MAX = 1000
const TIMEOUT_MS = 60_000

/** Run SQL on a replica in place, which only reads. Of more rows than were asked for, it says that there are more. */
export async function query(subject: McpSubject, args: QueryArguments, stop: AbortSignal) {
  const { openDatabase } = subject
  if (!openDatabase) throw new ToolError('queries are not available in this daemon')
  const target = parseTarget(args.at, subject.now())
  const signal = AbortSignal.any([stop, AbortSignal.timeout(TIMEOUT_MS)])
  const source = isReplicaURL(args.path)
    ? args.path
    : (await configuredDatabase(subject, args.path, args.config)).replica
  const client = await subject.openReplica(source)
  const newest = await openDatabase(client, { signal }).catch(async (error: unknown) => {
    await client.close()
    throw error
  })
  try {
    return await readRows(target ? await newest.at(target, { signal }) : newest, args, signal)
  } finally {
    await newest.close()
  }
}

async function readRows(
  database: QueryableDatabase,
  { sql, max_rows = ROWS_DEFAULT }: QueryArguments,
  signal: AbortSignal,
) {
  const columns = await database.columns(sql, { signal })
  const rows: unknown[][] = []
  let more = false
  for await (const row of database.each(sql, [], { signal, rows: 'array' })) {
    more = rows.length === max_rows
    if (more) break
    rows.push((row as unknown[]).map(plain))
  }
  return { columns, rows, row_count: rows.length, more_rows: more }
}

/** A value as JSON has it: integers that a number cannot hold as text, blobs as `x'..'`. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString('hex')}'`
  if (typeof value === 'bigint') return value.toString()
  return value
}

/** A TXID, or a time as people give it. */
function parseTarget(text: string | undefined, now: number): StateTarget | undefined {
  if (text === undefined) return undefined
  const txid = parseTXID(text)
  if (txid !== undefined) return { txid }
  const time = parseTime(text, now)
  if (time === undefined)
    throw new ToolError(`invalid time ${text}`, '2000-01-01T00:00:00Z, "5 minutes ago", or a TXID')
  return time === 'latest' ? undefined : { timestamp: time }
}
