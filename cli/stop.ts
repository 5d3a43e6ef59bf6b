import { defineCommand } from './command.ts'
import { connectDaemon, daemonFlags, daemonFlagsUsage, databaseArgument, printConfirmation } from './daemon-command.ts'

const USAGE = `The stop command stops replication for a database of a running daemon. It waits
for the final sync.

Usage:

\tlitetap stop [arguments] DB_PATH

Arguments:

${daemonFlagsUsage(30)}

Examples:

\t$ litetap stop /path/to/db
\t$ litetap stop -json /path/to/db
\t$ litetap stop -timeout 10 /path/to/db

`

export const stop = defineCommand({
  name: 'stop',
  usage: USAGE,
  flags: daemonFlags(30),
  async run(io, flags, args) {
    const path = databaseArgument(args, io, 'litetap stop /path/to/db')
    const reply = await (await connectDaemon(flags)).stop(path)
    await printConfirmation(io, flags.json, {
      status: reply.status,
      db_path: reply.path,
      state: 'stopped',
      txid: reply.txid,
      socket: flags.socket,
    })
    return 0
  },
})
