import { defineCommand } from './command.ts'
import { connectDaemon, daemonFlags, daemonFlagsUsage, noArguments, printReply } from './daemon-command.ts'
import { shortTime } from './info.ts'
import { print } from './io.ts'

const USAGE = `The list command lists the databases of a running daemon.

Usage:

\tlitetap list [arguments]

Arguments:

${daemonFlagsUsage(10)}

Examples:

\t$ litetap list
\t$ litetap list -json
\t$ litetap list -socket /tmp/litetap.sock

`

export const list = defineCommand({
  name: 'list',
  usage: USAGE,
  flags: daemonFlags(10),
  async run(io, flags, args) {
    noArguments(args)
    const reply = await (await connectDaemon(flags)).list()
    if (flags.json) {
      await printReply(io, reply)
      return 0
    }
    if (reply.databases.length === 0) print(io.stdout, 'No databases configured')
    for (const { path, status, last_sync_at } of reply.databases) {
      const when = last_sync_at === undefined ? 'never' : shortTime(last_sync_at)
      print(io.stdout, `${path} [${status}] (last sync: ${when})`)
    }
    return 0
  },
})
