import type { ReplicaClient } from '../storage/index.ts'
import type { ReplicaSettings } from '../storage/replica-settings.ts'
import type { Config, ConfigWarning, LoggingConfig } from './deps.ts'
import { loadStorage, loadWriter } from './deps.ts'
import { configUnsupported } from './errors.ts'
import type { CliIO } from './io.ts'
import type { Log } from './log.ts'
import { expandPath, openPlain, openRetrying } from './source.ts'

/** @param retryLog present: requests that fail are made again for some time, and it hears of that */
export type OpenReplica = (settings: ReplicaSettings, retryLog?: Log) => Promise<ReplicaClient>

/** What is to be replicated, and how its replicas are opened. */
export interface ReplicateConfig {
  readonly config: Config
  readonly warnings: readonly ConfigWarning[]
  readonly open: OpenReplica
}

const LOGGING: LoggingConfig = { level: 'info', type: 'text', stderr: false, source: false }

/** The one database that the command line names, as a configuration with every default. */
export async function namedDatabase(io: CliIO, { path, url }: { path: string; url: string }): Promise<ReplicateConfig> {
  const { parseReplicaURL } = await loadStorage()
  const { REPLICATOR_DEFAULTS: settings } = await loadWriter()
  const { scheme, ...rest } = parseReplicaURL(url)
  const config: Config = {
    databases: [
      {
        kind: 'database',
        path: expandPath(path, io),
        replica: { type: scheme, ...rest } as unknown as ReplicaSettings, // opened by its URL, below
        settings,
        restoreIfMissing: false,
      },
    ],
    socket: { enabled: false, path: '', permissions: 0o600 },
    levels: settings.levels,
    validationIntervalMs: 0,
    logging: LOGGING,
    defaults: settings,
  }
  const open: OpenReplica = (_, log) => (log ? openRetrying(url, io, log) : openPlain(url, io))
  return { config, warnings: [], open }
}

/** The databases of a configuration file. @throws CliError CLI_UNSUPPORTED: there is no parser yet */
export async function loadReplicateConfig(
  _io: CliIO,
  _options: { path: string; expandEnv: boolean },
): Promise<ReplicateConfig> {
  throw configUnsupported('name the database and its replica', 'litetap replicate /path/to/db s3://bucket/prefix')
}
