import { defineCommand } from './command.ts'
import { usageError } from './errors.ts'
import { boolFlag, customFlag, type FlagValues } from './flags.ts'
import { type CliIO, print } from './io.ts'
import { QUERY_USAGE } from './query-usage.ts'
import { describeCost, openReader, READER_FLAGS } from './reader.ts'
import { parseRowFormat, rowFormat } from './row-format.ts'
import { runQuery } from './run-query.ts'
import { untilSignal } from './signals.ts'

const FLAGS = { ...READER_FLAGS, format: customFlag(parseRowFormat), stats: boolFlag() }
const EXAMPLE = 'litetap query s3://bucket/prefix "SELECT count(*) FROM users"'

export const query = defineCommand({
  name: 'query',
  usage: QUERY_USAGE,
  flags: FLAGS,
  async run(io, flags, args) {
    const [source = '', sql = ''] = args
    if (source === '') throw usageError('replica URL required', EXAMPLE)
    if (sql.trim() === '') throw usageError('SQL required', EXAMPLE)
    if (args.length > 2) throw usageError('too many arguments: put the SQL in quotes', EXAMPLE)
    await untilSignal(io, (signal) => printRows(io, flags, { source, sql, signal }))
    return 0
  },
})

async function printRows(
  io: CliIO,
  flags: FlagValues<typeof FLAGS>,
  { source, sql, signal }: { source: string; sql: string; signal: AbortSignal },
): Promise<void> {
  const started = io.now()
  const reader = await openReader(source, flags, { io, signal })
  try {
    const { database, budget } = reader
    const format = (columns: readonly string[]) => rowFormat(flags.format ?? 'table', columns, io.stdout)
    await runQuery(database, sql, { format, budget, signal })
  } finally {
    await reader.close()
  }
  if (flags.stats) print(io.stderr, describeCost(reader.database.stats(), io.now() - started))
}
