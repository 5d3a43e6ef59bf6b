import type { Config, ConfigWarning, LoggingConfig } from './config.ts'
import { databaseEntry } from './database-entry.ts'
import type { PathBase } from './expand-path.ts'
import { CONFIG_KEYS, DATABASE_KEYS } from './keys.ts'
import { Mistakes } from './mistakes.ts'
import type { MapNode } from './nodes.ts'
import { readMap } from './read-map.ts'
import { readYAML } from './read-yaml.ts'
import { type PlacedEntry, refuseTwins } from './refuse-twins.ts'
import { REPLICA_KEYS } from './replica-keys.ts'
import { type ConfigValues, defaultSettings, snapshotTimes } from './replication-settings.ts'

const SOCKET_PATH = '/var/run/litestream.sock'
const SOCKET_PERMISSIONS = 0o600
const HEARTBEAT_INTERVAL_MS = 5 * 60_000

/** A configuration, and what its author should know. */
export interface LoadedConfig {
  readonly config: Config
  readonly warnings: readonly ConfigWarning[]
}

export interface ParseContext extends PathBase {
  /** Of the file, for messages. */
  readonly path: string
  /** Value of an environment variable; absent: variables are not expanded. */
  readonly lookup?: (name: string) => string | undefined
  /** The content of a file that the configuration names. @throws Error as node:fs does */
  readonly readText: (path: string) => string
}

/**
 * What a configuration file's text means.
 *
 * @throws DaemonError DAEMON_CONFIG with all mistakes, a line `file:line:column: what was expected` for each
 * @see facts 8.6; features 3
 */
export function parseConfig(text: string, context: ParseContext): LoadedConfig {
  const mistakes = new Mistakes(text, context)
  const root = readYAML(mistakes)
  mistakes.throwIfAny()
  const start = { start: 0, end: 0 }
  if (root && root.kind !== 'map' && !(root.kind === 'scalar' && root.plain && /^(|~|null)$/i.test(root.text))) {
    const kind = root.kind === 'list' ? 'a list; do databases stand below dbs:?' : 'a text'
    mistakes.add(root, `expected a map of settings, got ${kind}`)
  }
  const top: MapNode = root?.kind === 'map' ? root : { kind: 'map', entries: [], ...start }
  const values = readMap(top, CONFIG_KEYS, { mistakes, path: '', elsewhere })
  const databases = values.dbs?.value ?? []
  if (databases.length === 0 && mistakes.isEmpty)
    mistakes.warn(values.dbs?.keySpan ?? start, 'no database is configured (dbs)')
  const defaults = { replica: values, settings: settingsOf(values, mistakes) }
  const entries = databases.flatMap((given, index): PlacedEntry[] => {
    const name = `dbs[${index}]`
    const entry = databaseEntry(given, defaults, { mistakes, path: name, base: context, readText: context.readText })
    const { path, dir, replica, replicas } = given.value
    const pathSpan = path ?? dir ?? given
    return entry
      ? [{ entry, name, pathSpan, replicaSpan: replica?.value.url ?? (replica ?? replicas ?? given).keySpan }]
      : []
  })
  refuseTwins(entries, mistakes)
  mistakes.throwIfAny()
  const config = { ...daemonSettings(values), levels: defaults.settings.levels, defaults: defaults.settings }
  return { config: { ...config, databases: entries.map(({ entry }) => entry) }, warnings: mistakes.warnings() }
}

function settingsOf(values: ConfigValues, mistakes: Mistakes) {
  const databases = values.dbs?.value.map(({ value }) => value) ?? []
  const times = snapshotTimes(values, databases, {
    conflict: (a, b, key) =>
      mistakes.add(b, `snapshot.${key}: databases must agree, and another has a different one at ${mistakes.place(a)}`),
    unused: (given, key) =>
      mistakes.warn(given.keySpan, `snapshot.${key} has no effect: the one at the top of the file counts`),
  })
  return defaultSettings(values, times)
}

type DaemonSettings = Omit<Config, 'databases' | 'levels' | 'defaults'>

function daemonSettings(values: ConfigValues): DaemonSettings {
  const { addr, exec } = values
  const socket = values.socket?.value
  const url = values['heartbeat-url']?.value
  return {
    ...(addr && { addr: addr.value }),
    ...(values['mcp-addr'] && { mcpAddr: values['mcp-addr'].value }),
    ...(values['mcp-token'] && { mcpToken: values['mcp-token'].value }),
    socket: {
      enabled: socket?.enabled?.value ?? false,
      path: socket?.path?.value ?? SOCKET_PATH,
      permissions: socket?.permissions?.value ?? SOCKET_PERMISSIONS,
    },
    validationIntervalMs: values.validation?.value.interval?.value ?? 0,
    ...(url !== undefined && {
      heartbeat: { url, intervalMs: values['heartbeat-interval']?.value ?? HEARTBEAT_INTERVAL_MS },
    }),
    ...(exec && { exec: exec.value }),
    logging: loggingOf(values),
  }
}

function loggingOf({ logging }: ConfigValues): LoggingConfig {
  const { level, type, stderr, source } = logging?.value ?? {}
  return {
    level: (level?.value ?? 'info') as LoggingConfig['level'],
    type: (type?.value ?? 'text') as LoggingConfig['type'],
    stderr: stderr?.value ?? false,
    source: source?.value ?? false,
  }
}

/** Where a key is known that stands in the wrong place. */
function elsewhere(key: string): string | undefined {
  if (Object.hasOwn(CONFIG_KEYS, key) && !Object.hasOwn(REPLICA_KEYS, key)) return 'at the top of the file'
  if (Object.hasOwn(DATABASE_KEYS, key) && !Object.hasOwn(REPLICA_KEYS, key)) return 'in an entry of dbs'
  return Object.hasOwn(REPLICA_KEYS, key) ? 'in a replica' : undefined
}
