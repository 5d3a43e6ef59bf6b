import { defineCommand } from './command.ts'
import { connectDaemon, daemonFlags, daemonFlagsUsage, databaseArgument, printConfirmation } from './daemon-command.ts'
import { boolFlag } from './flags.ts'
import { print } from './io.ts'

const USAGE = `The unregister command makes a running daemon forget a database, after a final
sync.

Usage:

\tlitetap unregister [arguments] DB_PATH

Arguments:

\t-dry-run
\t    Print what would be unregistered and send nothing.

${daemonFlagsUsage(30)}

Examples:

\t$ litetap unregister /path/to/db
\t$ litetap unregister -json /path/to/db
\t$ litetap unregister -dry-run /path/to/db
\t$ litetap unregister -timeout 10 /path/to/db

`

export const unregister = defineCommand({
  name: 'unregister',
  usage: USAGE,
  flags: { ...daemonFlags(30), 'dry-run': boolFlag() },
  async run(io, flags, args) {
    const path = databaseArgument(args, io, 'litetap unregister /path/to/db')
    const client = await connectDaemon(flags)
    if (flags['dry-run']) {
      print(io.stdout, 'Dry run: unregister request preview')
      print(io.stdout, `  database: ${path}`)
      print(io.stdout, `  socket: ${flags.socket}`)
      print(io.stdout, '  replicas: daemon-managed replica for this database')
      print(io.stdout, '  final sync: daemon close will sync the database and replica before the command completes')
      print(io.stdout, `  timeout: ${flags.timeout}s`)
      print(io.stdout, 'No unregister request was sent.')
      return 0
    }
    const reply = await client.unregister(path)
    await printConfirmation(io, flags.json, {
      status: reply.status,
      db_path: reply.path,
      final_txid: reply.txid,
      socket: flags.socket,
    })
    return 0
  },
})
