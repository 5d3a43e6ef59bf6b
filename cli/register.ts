import { defineCommand } from './command.ts'
import { connectDaemon, daemonFlags, daemonFlagsUsage, databaseArgument, printConfirmation } from './daemon-command.ts'
import { loadStorage } from './deps.ts'
import { usageError } from './errors.ts'
import { stringFlag } from './flags.ts'

const USAGE = `The register command makes a running daemon replicate one more database, with
default settings, until the daemon ends.

Usage:

\tlitetap register [arguments] DB_PATH

Arguments:

\t-replica URL
\t    Where to replicate it to. Required.

${daemonFlagsUsage(30)}

Examples:

\t$ litetap register -replica s3://mybucket/db /path/to/db
\t$ litetap register -replica file:///backup/path /path/to/db
\t$ litetap register -json -replica s3://mybucket/db /path/to/db

`

const EXAMPLE = 'litetap register -replica s3://bucket/prefix /path/to/db'

export const register = defineCommand({
  name: 'register',
  usage: USAGE,
  flags: { ...daemonFlags(30), replica: stringFlag() },
  async run(io, flags, args) {
    const path = databaseArgument(args, io, EXAMPLE)
    if (flags.replica === '') throw usageError('-replica is required', EXAMPLE)
    const reply = await (await connectDaemon(flags)).register(path, flags.replica)
    const { redactURL } = await loadStorage()
    await printConfirmation(io, flags.json, {
      status: flags.json ? reply.status : reply.status.replace('_', ' '),
      db_path: reply.path,
      replica: redactURL(flags.replica),
      socket: flags.socket,
    })
    return 0
  },
})
