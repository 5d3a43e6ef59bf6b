import { homedir } from 'node:os'
import type { Config, DatabaseEntry } from '../daemon/config/config.ts'
import { expandPath as expand } from '../daemon/config/expand-path.ts'
import { loadCommands, loadConfigDeps } from './deps.ts'
import { usageError } from './errors.ts'
import { boolFlag, type FlagValues, stringFlag } from './flags.ts'
import { type CliIO, print } from './io.ts'

/** The flags of every command that may need a configuration file. */
export const CONFIG_FLAGS = { config: stringFlag(), 'no-expand-env': boolFlag() }
export type ConfigFlags = FlagValues<typeof CONFIG_FLAGS>

/** What those flags are, for help texts. */
export const CONFIG_ARGUMENTS = `\t-config PATH
\t    The configuration file in which databases are looked up.
\t    Defaults to $LITESTREAM_CONFIG, or /etc/litestream.yml.

\t-no-expand-env
\t    Leave every $ of the configuration file as it is.
`

/** A database path as upstream reads it: `sqlite://` and `~` are understood, the rest is made absolute (facts 8.6). */
export function expandPath(text: string, io: Pick<CliIO, 'cwd' | 'env'>): string {
  return expand(text, { cwd: io.cwd, home: io.env.HOME || homedir() })
}

/**
 * Read the configuration file that the flags name, or the default one. Its warnings go to stderr.
 *
 * @throws DaemonError DAEMON_CONFIG
 */
export async function readConfig(
  flags: ConfigFlags,
  io: Pick<CliIO, 'cwd' | 'env' | 'stderr'>,
): Promise<{ readonly config: Config; readonly path: string }> {
  const { defaultConfigPath, loadConfig } = await loadConfigDeps()
  const path = expandPath(flags.config || defaultConfigPath(io.env), io)
  const { config, warnings } = loadConfig(path, {
    env: io.env,
    expandEnv: !flags['no-expand-env'],
    cwd: io.cwd,
    home: expandPath('~', io),
  })
  for (const { line, column, message } of warnings) {
    print(io.stderr, `Warning: ${path}:${line}:${column}: ${message}`)
  }
  return { config, path }
}

/**
 * What the configuration file says of one database, which may be one of a folder's, and need not exist.
 *
 * @throws CliError when it says nothing; DaemonError DAEMON_CONFIG
 */
export async function findDatabase(
  database: string,
  flags: ConfigFlags,
  io: Pick<CliIO, 'cwd' | 'env' | 'stderr'>,
): Promise<DatabaseEntry> {
  const dbPath = expandPath(database, io)
  const { config, path } = await readConfig(flags, io)
  const { configuredDatabase } = await loadCommands()
  const entry = configuredDatabase(config, dbPath)
  if (entry) return entry
  throw usageError(`database not found in ${path}: ${dbPath}`, `litetap databases -config ${path}`)
}
