import { type Command, defineCommand } from '../command.ts'
import { CliError } from '../errors.ts'
import { runCommand } from '../run-command.ts'

const USAGE = `The ltx-tool command looks into LTX files, checks and applies them.

Usage:

\tlitetap ltx-tool <command> [arguments]

The commands are:

\tapply        applies LTX files to a database file
\tchecksum     prints the LTX checksum of a database file
\tdump         prints header, pages and trailer of an LTX file
\tencode-db    writes a database file as one LTX file
\tlist         prints header and trailer fields of LTX files as a table
\tverify       reads LTX files whole and checks them
\tversion      prints the version

Use "litetap ltx-tool <command> -h" for the arguments of a command.
`

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  apply: async () => (await import('./apply.ts')).apply,
  checksum: async () => (await import('./checksum.ts')).checksum,
  dump: async () => (await import('./dump.ts')).dump,
  'encode-db': async () => (await import('./encode-db.ts')).encodeDB,
  list: async () => (await import('./list.ts')).list,
  verify: async () => (await import('./verify.ts')).verify,
  version: async () => (await import('../version.ts')).version,
}

/** The commands of superfly/ltx's own tool, by their names (features 14). */
export const ltxTool = defineCommand({
  name: 'ltx-tool',
  usage: USAGE,
  flags: {},
  async run(io, _flags, [name = '', ...args]) {
    if (name === '' || name === 'help') {
      io.stdout.write(USAGE)
      return name === '' ? 1 : 0
    }
    if (!Object.hasOwn(COMMANDS, name)) {
      throw new CliError('CLI_USAGE', `litetap ltx-tool ${name}: unknown command`, { hint: 'litetap ltx-tool help' })
    }
    return await runCommand(await COMMANDS[name]!(), args, io)
  },
})
