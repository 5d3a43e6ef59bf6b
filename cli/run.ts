import type { Command } from './command.ts'
import { CliError, errorStacks, reportError } from './errors.ts'
import { type CliIO, print } from './io.ts'
import { askedForHelp, runCommand } from './run-command.ts'

interface Entry {
  readonly summary: string
  readonly load: () => Promise<Command>
}

// Loaded one at a time: `help` and `version` must not wait for an SDK.
const COMMANDS: Readonly<Record<string, Entry>> = {
  catalog: {
    summary: 'write the catalog by which web servers are read',
    load: async () => (await import('./catalog.ts')).catalog,
  },
  databases: {
    summary: 'list databases specified in config file',
    load: async () => (await import('./databases.ts')).databases,
  },
  doctor: {
    summary: 'check a database, its replica and this machine',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  info: { summary: 'show daemon information', load: async () => (await import('./info.ts')).info },
  list: { summary: 'list all managed databases', load: async () => (await import('./list.ts')).list },
  ltx: { summary: 'list available LTX files for a database', load: async () => (await import('./ltx.ts')).ltx },
  'ltx-tool': {
    summary: 'look into LTX files, check and apply them',
    load: async () => (await import('./ltx-tool/ltx-tool.ts')).ltxTool,
  },
  query: {
    summary: 'run an SQL query on a replica, in place',
    load: async () => (await import('./query.ts')).query,
  },
  register: {
    summary: 'register a database for replication',
    load: async () => (await import('./register.ts')).register,
  },
  replicate: {
    summary: 'replicate a database to object storage',
    load: async () => (await import('./replicate.ts')).replicate,
  },
  reset: { summary: 'reset local state for a database', load: async () => (await import('./reset.ts')).reset },
  restore: {
    summary: 'recover a database from a replica',
    load: async () => (await import('./restore.ts')).restore,
  },
  serve: {
    summary: 'serve replicas over HTTP to readers without credentials',
    load: async () => (await import('./serve.ts')).serve,
  },
  shell: {
    summary: 'run SQL queries on a replica as you type them',
    load: async () => (await import('./shell.ts')).shell,
  },
  start: { summary: 'start replication for a database', load: async () => (await import('./start.ts')).start },
  status: {
    summary: 'display replication status for databases',
    load: async () => (await import('./status.ts')).status,
  },
  stop: { summary: 'stop replication for a database', load: async () => (await import('./stop.ts')).stop },
  sync: { summary: 'force an immediate sync for a database', load: async () => (await import('./sync.ts')).sync },
  unregister: {
    summary: 'unregister a database from replication',
    load: async () => (await import('./unregister.ts')).unregister,
  },
  version: { summary: 'print the version', load: async () => (await import('./version.ts')).version },
}

const HELP_WORDS = ['help', '-h', '-help', '--help']

/**
 * Run one command line.
 *
 * @param argv what follows the program's name
 * @returns the exit code; every failure has been reported on stderr
 */
export async function run(argv: readonly string[], io: CliIO): Promise<number> {
  try {
    return await dispatch(argv, io)
  } catch (error) {
    const { message, hint, exitCode } = reportError(error)
    print(io.stderr, `Error: ${message}`)
    if (hint !== undefined) print(io.stderr, `Try: ${hint}`)
    if (/^(trace|debug)$/i.test(io.env.LOG_LEVEL ?? '')) print(io.stderr, errorStacks(error))
    return exitCode
  }
}

async function dispatch([name = '', ...args]: readonly string[], io: CliIO): Promise<number> {
  if (HELP_WORDS.includes(name)) return help(args, io)
  if (name === '' || name.startsWith('-')) {
    io.stdout.write(usage())
    return askedForHelp(args) ? 0 : 1
  }
  if (name === 'wal') print(io.stderr, "Warning: 'wal' command is deprecated, please use 'ltx' instead")
  const command = await loadCommand(name === 'wal' ? 'ltx' : name)
  return await runCommand(command, args, io)
}

async function help([name]: readonly string[], io: CliIO): Promise<number> {
  const entry = name === undefined ? undefined : find(name)
  io.stdout.write(entry === undefined ? usage() : (await entry.load()).usage)
  return 0
}

function loadCommand(name: string): Promise<Command> {
  const entry = find(name)
  if (entry === undefined) {
    throw new CliError('CLI_USAGE', `litetap ${name}: unknown command`, { hint: 'litetap help' })
  }
  return entry.load()
}

function find(name: string): Entry | undefined {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
}

function usage(): string {
  const line = ([name, entry]: [string, Entry]) => `\t${name.padEnd(13)}${entry.summary}\n`
  return `litetap replicates SQLite databases to object storage, in Litestream's format.

Usage:

\tlitetap <command> [arguments]

The commands are:

${Object.entries(COMMANDS).map(line).join('')}
Use "litetap <command> -h" for the arguments of a command.
`
}
