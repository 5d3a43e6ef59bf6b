import type { Config } from '../daemon/config/config.ts'
import { type Command, defineCommand } from './command.ts'
import { loadCommands } from './deps.ts'
import { usageError } from './errors.ts'
import { boolFlag, stringFlag } from './flags.ts'
import { type CliIO, printJSON } from './io.ts'
import { formatTable } from './table.ts'

const USAGE = `The databases command lists all databases in the configuration file.

Usage:

\tlitetap databases [arguments]

Arguments:

\t-config PATH
\t    Path of the configuration file.
\t    Defaults to $LITESTREAM_CONFIG, else /etc/litestream.yml.

\t-no-expand-env
\t    Do not expand environment variables in the configuration file.

\t-json
\t    Output raw JSON instead of human-readable text.

Examples:

\t$ litetap databases
\t$ litetap databases -config /path/to/litestream.yml

`

/** How a command gets a configuration. @param path as given with -config; empty: the default one */
export type LoadConfig = (
  path: string,
  options: { readonly expandEnv: boolean; readonly io: CliIO },
) => Promise<Pick<Config, 'databases'>>

/** The command, over whatever reads configurations. */
export function databasesCommand(loadConfig: LoadConfig): Command {
  return defineCommand({
    name: 'databases',
    usage: USAGE,
    flags: { config: stringFlag(), 'no-expand-env': boolFlag(), json: boolFlag() },
    async run(io, flags, args) {
      if (args.length > 0) throw usageError('too many arguments')
      const { listDatabases } = await loadCommands()
      const lines = listDatabases(await loadConfig(flags.config, { expandEnv: !flags['no-expand-env'], io }))
      if (flags.json) printJSON(io.stdout, lines)
      else io.stdout.write(formatTable([['path', 'replica'], ...lines.map(({ path, replica }) => [path, replica])]))
      return 0
    },
  })
}
