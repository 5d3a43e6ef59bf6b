import { defineCommand } from './command.ts'
import { loadCommands } from './deps.ts'
import { configUnsupported, usageError } from './errors.ts'
import { boolFlag, stringFlag } from './flags.ts'
import { printJSON } from './io.ts'
import { expandPath } from './source.ts'
import { formatTable } from './table.ts'

const USAGE = `The status command displays the local replication status of a database.

Usage:

\tlitetap status [arguments] DB_PATH

Arguments:

\t-json
\t    Output raw JSON instead of human-readable text.

\t-config PATH
\t-no-expand-env
\t    For the status of all configured databases.
\t    Configuration files are not supported yet.

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
  flags: { config: stringFlag(), 'no-expand-env': boolFlag(), json: boolFlag() },
  async run(io, flags, args) {
    const [path = ''] = args
    if (flags.config !== '') throw configUnsupported(`cannot read ${flags.config}`, 'litetap status /path/to/db')
    if (path === '') throw configUnsupported('name the database', 'litetap status /path/to/db')
    if (args.length > 1) throw usageError('too many arguments')
    const dbPath = expandPath(path, io)
    const { statusLine } = await loadCommands()
    const line = await statusLine(dbPath)
    if (flags.json) {
      printJSON(io.stdout, [line])
      return 0
    }
    const header = ['database', 'status', 'local txid', 'wal size']
    io.stdout.write(formatTable([header, [line.database, line.status, line.local_txid, line.wal_size]]))
    return 0
  },
})
