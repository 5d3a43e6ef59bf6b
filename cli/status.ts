import type { DatabaseEntry } from '../daemon/config/config.ts'
import { defineCommand } from './command.ts'
import { CONFIG_ARGUMENTS, CONFIG_FLAGS, type ConfigFlags, expandPath, findDatabase, readConfig } from './config.ts'
import { loadCommands } from './deps.ts'
import { errorMessage, usageError } from './errors.ts'
import { boolFlag } from './flags.ts'
import { type CliIO, print, printJSON } from './io.ts'
import { formatTable } from './table.ts'

const USAGE = `The status command displays the local replication status of databases: of one,
or of all in the configuration file.

Usage:

\tlitetap status [arguments] [DB_PATH]

Arguments:

\t-json
\t    Output raw JSON instead of human-readable text.

${CONFIG_ARGUMENTS}
Output columns:
  database      Path to the SQLite database
  status        Current status (ok, not initialized, no database, error)
  local txid    Latest local transaction ID
  wal size      Current WAL file size

Examples:

\t$ litetap status /path/to/db
\t$ litetap status -json /path/to/db

`

export const status = defineCommand({
  name: 'status',
  usage: USAGE,
  flags: { ...CONFIG_FLAGS, json: boolFlag() },
  async run(io, flags, args) {
    if (args.length > 1) throw usageError('too many arguments')
    const { statusLine } = await loadCommands()
    const databases = await chosen(args[0] ?? '', flags, io)
    const lines = await Promise.all(
      databases.map(({ path, metaPath }) => statusLine(path, metaPath ? { metaPath } : {})),
    )
    if (flags.json) {
      printJSON(io.stdout, lines)
      return 0
    }
    const rows = lines.map((line) => [line.database, line.status, line.local_txid, line.wal_size])
    io.stdout.write(formatTable([['database', 'status', 'local txid', 'wal size'], ...rows]))
    return 0
  },
})

type Chosen = Pick<DatabaseEntry, 'path' | 'metaPath'>

/** A database that is named needs no configuration file; with -config it must be in it. */
async function chosen(path: string, flags: ConfigFlags, io: CliIO): Promise<readonly Chosen[]> {
  if (path !== '') return [flags.config === '' ? { path: expandPath(path, io) } : await findDatabase(path, flags, io)]
  const { config } = await readConfig(flags, io)
  const { configuredDatabases } = await loadCommands()
  return await configuredDatabases(config, true, (error) => print(io.stderr, `Warning: ${errorMessage(error)}`))
}
