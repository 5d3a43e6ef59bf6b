import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { DaemonError } from '../errors.ts'
import { expandPath } from './expand-path.ts'
import { type LoadedConfig, parseConfig } from './parse-config.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface LoadConfigOptions {
  /** For `$NAME` in the file. Default: the process's. */
  readonly env?: Environment
  /** False: `$` is nothing special (`-no-expand-env`). */
  readonly expandEnv?: boolean
  /** Default: the process's. */
  readonly cwd?: string
  /** What `~` means. Default: the user's. */
  readonly home?: string
}

const DEFAULT_PATH = process.platform === 'win32' ? 'C:\\Litestream\\litestream.yml' : '/etc/litestream.yml'

/** The configuration file where no other is named: `LITESTREAM_CONFIG`, else `/etc/litestream.yml`. */
export function defaultConfigPath(env: Environment): string {
  return env.LITESTREAM_CONFIG || DEFAULT_PATH
}

/**
 * Read a configuration file, Litestream's format (facts 8.6; docs/configuration.md).
 *
 * Synchronous: nothing can go on before it is read. Of the environment only what the file names is used; credentials
 * and LOG_LEVEL are for others to look up.
 *
 * @param path `~` is understood
 * @throws DaemonError DAEMON_CONFIG when there is no such file, or with all its mistakes
 */
export function loadConfig(path: string, options: LoadConfigOptions = {}): LoadedConfig {
  const { env = process.env, expandEnv = true, cwd = process.cwd(), home = env.HOME || homedir() } = options
  const file = expandPath(path, { cwd, home })
  const lookup = (name: string): string | undefined => (name === 'PID' ? `${process.pid}` : env[name])
  const readText = (name: string): string => readFileSync(name, 'utf8')
  return parseConfig(readFile(file), { path: file, cwd, home, readText, ...(expandEnv && { lookup }) })
}

function readFile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such configuration file' : `it cannot be read: ${message}`
    const hint = 'name the configuration file with -config, or with LITESTREAM_CONFIG'
    throw new DaemonError('DAEMON_CONFIG', `${file}: ${why}`, { at: { path: file }, hint, cause })
  }
}
