import { defineCommand } from './command.ts'
import { connectDaemon, daemonFlags, daemonFlagsUsage, databaseArgument, printConfirmation } from './daemon-command.ts'
import { boolFlag } from './flags.ts'

const USAGE = `The sync command makes a running daemon copy now what is committed to a database.

Usage:

\tlitetap sync [arguments] DB_PATH

Arguments:

\t-wait
\t    Wait until it is durable in the replica, too.

${daemonFlagsUsage(30)}

Examples:

\t$ litetap sync /path/to/db
\t$ litetap sync -json /path/to/db
\t$ litetap sync -wait -timeout 120 /path/to/db

`

export const sync = defineCommand({
  name: 'sync',
  usage: USAGE,
  flags: { ...daemonFlags(30), wait: boolFlag() },
  async run(io, flags, args) {
    const path = databaseArgument(args, io, 'litetap sync /path/to/db')
    const client = await connectDaemon(flags)
    const started = io.now()
    const reply = await client.sync(path, flags.wait)
    await printConfirmation(io, flags.json, {
      db_path: reply.path,
      txid: reply.txid,
      replica_txid: flags.wait ? reply.replicated_txid : undefined,
      duration_ms: Math.round(io.now() - started),
    })
    return 0
  },
})
