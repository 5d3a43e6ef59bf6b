import { defineCommand } from './command.ts'
import { connectDaemon, daemonFlags, daemonFlagsUsage, databaseArgument, printConfirmation } from './daemon-command.ts'

const USAGE = `The start command starts replication for a database of a running daemon.

Usage:

\tlitetap start [arguments] DB_PATH

Arguments:

${daemonFlagsUsage(30)}

Examples:

\t$ litetap start /path/to/db
\t$ litetap start -json /path/to/db
\t$ litetap start -timeout 10 /path/to/db

`

export const start = defineCommand({
  name: 'start',
  usage: USAGE,
  flags: daemonFlags(30),
  async run(io, flags, args) {
    const path = databaseArgument(args, io, 'litetap start /path/to/db')
    const reply = await (await connectDaemon(flags)).start(path)
    await printConfirmation(io, flags.json, {
      status: reply.status,
      db_path: reply.path,
      state: 'running',
      txid: reply.txid,
      socket: flags.socket,
    })
    return 0
  },
})
