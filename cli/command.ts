import type { FlagSet, FlagValues } from './flags.ts'
import type { CliIO } from './io.ts'

/** One command: its flags, its help text and what it does. */
export interface Command<S extends FlagSet = FlagSet> {
  readonly name: string
  /** The whole help text, as printed for `-h` and after a bad flag. */
  readonly usage: string
  readonly flags: S
  /**
   * @param args what follows the flags
   * @returns the exit code; nothing means 0
   * @throws anything: it becomes one line on stderr and exit code 1
   */
  run(io: CliIO, flags: FlagValues<S>, args: readonly string[]): Promise<number | undefined>
}

/** Let the compiler connect a command's flags to the values its `run` gets. */
export function defineCommand<S extends FlagSet>(command: Command<S>): Command {
  return command as unknown as Command
}
