import type { Command } from './command.ts'
import { CliError } from './errors.ts'
import { parseFlags } from './flags.ts'
import type { CliIO } from './io.ts'

/**
 * Read a command's flags and run it; `-h` prints its help, and so does a flag that is none.
 *
 * @param args what follows the command's name
 * @returns the exit code
 * @throws CliError CLI_USAGE for bad flags; what the command throws
 */
export async function runCommand(command: Command, args: readonly string[], io: CliIO): Promise<number> {
  const parsed = parseFlags(command.flags, args)
  if (parsed.kind === 'ok') return (await command.run(io, parsed.values, parsed.args)) ?? 0
  io.stdout.write(command.usage)
  if (parsed.kind === 'error') throw new CliError('CLI_USAGE', parsed.message)
  return askedForHelp(args) ? 0 : 1
}

/** Spelled out, it is no mistake: upstream's exit code looks for these words anywhere on the line. */
export function askedForHelp(args: readonly string[]): boolean {
  return args.some((arg) => arg === '-h' || arg === '-help' || arg === '--help')
}
