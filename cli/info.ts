import { defineCommand } from './command.ts'
import { connectDaemon, daemonFlags, daemonFlagsUsage, noArguments, printReply } from './daemon-command.ts'
import { formatDuration } from './duration.ts'
import { print } from './io.ts'
import { formatTimestamp, parseTimestamp } from './timestamp.ts'

const USAGE = `The info command shows information on a running daemon.

Usage:

\tlitetap info [arguments]

Arguments:

${daemonFlagsUsage(10)}

Examples:

\t$ litetap info
\t$ litetap info -json
\t$ litetap info -socket /tmp/litetap.sock

`

export const info = defineCommand({
  name: 'info',
  usage: USAGE,
  flags: daemonFlags(10),
  async run(io, flags, args) {
    noArguments(args)
    const reply = await (await connectDaemon(flags)).info()
    if (flags.json) await printReply(io, reply)
    else {
      print(io.stdout, `Daemon ${reply.version}`)
      print(io.stdout, `  PID:        ${reply.pid}`)
      print(io.stdout, `  Uptime:     ${formatDuration(reply.uptime_seconds * 1000)}`)
      print(io.stdout, `  Started at: ${shortTime(reply.started_at)}`)
      print(io.stdout, `  Databases:  ${reply.database_count}`)
    }
    return 0
  },
})

/** A daemon's time, which may have nanoseconds and any zone, as times are printed here. */
export function shortTime(text: string): string {
  const ms = parseTimestamp(text)
  return ms === undefined ? text : formatTimestamp(ms)
}
