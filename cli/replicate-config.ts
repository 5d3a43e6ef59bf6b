import type { ReplicaClient } from '../storage/index.ts'
import type { ReplicaSettings } from '../storage/replica-settings.ts'
import { type ConfigFlags, expandPath, readConfig } from './config.ts'
import type { Config, LoggingConfig } from './deps.ts'
import { loadStorage, loadWriter } from './deps.ts'
import { usageError } from './errors.ts'
import type { CliIO } from './io.ts'
import type { Log } from './log.ts'
import { openSettings } from './source.ts'

/** @param retryLog present: requests that fail are made again for some time, and it hears of that */
export type OpenReplica = (settings: ReplicaSettings, retryLog?: Log) => Promise<ReplicaClient>

/** What is to be replicated, and how its replicas are opened. */
export interface ReplicateConfig {
  readonly config: Config
  readonly open: OpenReplica
}

const LOGGING: LoggingConfig = { level: 'info', type: 'text', stderr: false, source: false }

/** The one database that the command line names, as a configuration with every default. */
export async function namedDatabase(io: CliIO, { path, url }: { path: string; url: string }): Promise<ReplicateConfig> {
  const parse = await replicaParser(io)
  const { REPLICATOR_DEFAULTS: settings } = await loadWriter()
  const config: Config = {
    databases: [
      {
        kind: 'database',
        path: expandPath(path, io),
        replica: parse(url),
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
  return { config, open: (replica, log) => openSettings(replica, io, log) }
}

/** What reads the URL of a replica that is written to. */
export async function replicaParser(io: Pick<CliIO, 'env'>): Promise<(url: string) => ReplicaSettings> {
  const { parseReplicaURL, redactURL, replicaSettings } = await loadStorage()
  return (url) => {
    const parsed = parseReplicaURL(url)
    if ('url' in parsed) {
      const message = `cannot replicate to ${redactURL(url)}: from here it is only read`
      throw usageError(message, "the store's own URL, for example s3://bucket/path")
    }
    return replicaSettings(parsed, { env: io.env })
  }
}

/** The databases of a configuration file. @throws DaemonError DAEMON_CONFIG */
export async function loadReplicateConfig(io: CliIO, flags: ConfigFlags): Promise<ReplicateConfig> {
  const { config } = await readConfig(flags, io)
  return { config, open: (settings, log) => openSettings(settings, io, log) }
}
