import type { ControlClient } from '../daemon/socket/index.ts'
import { expandPath } from './config.ts'
import { loadDaemonSocket } from './deps.ts'
import { usageError } from './errors.ts'
import { boolFlag, type FlagValues, intFlag, stringFlag } from './flags.ts'
import { type CliIO, print } from './io.ts'

export const DEFAULT_SOCKET = '/var/run/litestream.sock'

/** The flags of every command that talks to a running daemon. @param timeout its default, in seconds */
export function daemonFlags(timeout: number) {
  return { socket: stringFlag(DEFAULT_SOCKET), timeout: intFlag(timeout), json: boolFlag() }
}
export type DaemonFlags = FlagValues<ReturnType<typeof daemonFlags>>

/** Their help text. */
export function daemonFlagsUsage(timeout: number): string {
  return `\t-socket PATH
\t    Path of the daemon's control socket.
\t    Defaults to ${DEFAULT_SOCKET}.

\t-timeout SECONDS
\t    How long to wait, in whole seconds.
\t    Defaults to ${timeout}.

\t-json
\t    Output raw JSON instead of human-readable text.`
}

/** @throws CliError for a timeout that makes no sense */
export async function connectDaemon(flags: DaemonFlags): Promise<ControlClient> {
  if (flags.timeout <= 0) throw usageError('timeout must be greater than 0')
  const { ControlClient } = await loadDaemonSocket()
  return new ControlClient({ socketPath: flags.socket, timeoutMs: flags.timeout * 1000 })
}

/** The one database that such a command is about: the daemon may have another working directory. */
export function databaseArgument(args: readonly string[], io: CliIO, example: string): string {
  const [path = ''] = args
  if (path === '') throw usageError('database path required', example)
  if (args.length > 1) throw usageError('too many arguments')
  return expandPath(path, io)
}

export function noArguments(args: readonly string[]): void {
  if (args.length > 0) throw usageError('too many arguments')
}

/** Print what was confirmed: a JSON document, or `name: value` line by line. What is undefined is left out. */
export async function printConfirmation(
  io: CliIO,
  json: boolean,
  fields: Readonly<Record<string, string | number | bigint | undefined>>,
): Promise<void> {
  if (json) return printReply(io, fields)
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) print(io.stdout, `${name}: ${value}`)
}

/** A JSON document in which TXIDs are numbers with all their digits. */
export async function printReply(io: CliIO, reply: unknown): Promise<void> {
  const { stringifyTXIDs } = await loadDaemonSocket()
  print(io.stdout, stringifyTXIDs(reply, 2))
}
