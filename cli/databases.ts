import { defineCommand } from './command.ts'
import { CONFIG_ARGUMENTS, CONFIG_FLAGS, readConfig } from './config.ts'
import { loadCommands } from './deps.ts'
import { usageError } from './errors.ts'
import { boolFlag } from './flags.ts'
import { printJSON } from './io.ts'
import { formatTable } from './table.ts'

const USAGE = `The databases command lists all databases in the configuration file. A folder of
databases is one line: the folder and its pattern.

Usage:

\tlitetap databases [arguments]

Arguments:

\t-json
\t    Output raw JSON instead of human-readable text.

${CONFIG_ARGUMENTS}
Examples:

\t$ litetap databases
\t$ litetap databases -config /path/to/litestream.yml

`

export const databases = defineCommand({
  name: 'databases',
  usage: USAGE,
  flags: { ...CONFIG_FLAGS, json: boolFlag() },
  async run(io, flags, args) {
    if (args.length > 0) throw usageError('too many arguments', 'litetap databases -config /path/to/litestream.yml')
    const { config } = await readConfig(flags, io)
    const { listDatabases } = await loadCommands()
    const lines = listDatabases(config)
    if (flags.json) printJSON(io.stdout, lines)
    else io.stdout.write(formatTable([['path', 'replica'], ...lines.map((line) => [line.path, line.replica])]))
    return 0
  },
})
