import type { ReplicaSettings } from '../../storage/replica-settings.ts'
import type { CompactionLevel, ReplicatorSettings } from '../../writer/index.ts'

/** How one database is replicated, whether it is named or found in a folder. */
export interface ReplicationSettings extends ReplicatorSettings {
  /** L0 files uploaded before other work gets a turn; 0: all there are. */
  readonly maxSyncLtxFiles: number
  /** Begin local state anew when it is missing or damaged, instead of standing still. */
  readonly autoRecover: boolean
  /** After each compaction, list the level and warn of gaps. */
  readonly verifyCompaction: boolean
}

/** One database of the configuration. */
export interface DatabaseEntry {
  readonly kind: 'database'
  /** Absolute. */
  readonly path: string
  /** Local state; default: beside the database. */
  readonly metaPath?: string
  readonly replica: ReplicaSettings
  readonly settings: ReplicationSettings
  readonly restoreIfMissing: boolean
  /** Where it was found, if it was not named. */
  readonly folder?: DirectoryEntry
}

/** All databases of a folder: each one's replica lies below `replica` by its relative path (facts 8.6). */
export interface DirectoryEntry {
  readonly kind: 'directory'
  /** Absolute. */
  readonly dir: string
  /** Shell glob, for the file's name. */
  readonly pattern: string
  readonly recursive: boolean
  /** Notice databases that come and go. */
  readonly watch: boolean
  readonly metaPath?: string
  readonly metaDir?: string
  readonly replica: ReplicaSettings
  readonly settings: ReplicationSettings
}

export interface LoggingConfig {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error'
  readonly type: 'text' | 'json' | 'pretty'
  /** To stderr instead of stdout. */
  readonly stderr: boolean
  /** Say in which file a line was logged. */
  readonly source: boolean
}

/** A configuration file's meaning: checked, every default filled in. Holds secrets. */
export interface Config {
  readonly databases: readonly (DatabaseEntry | DirectoryEntry)[]
  /** For metrics; absent: not served. */
  readonly addr?: string
  /** For language models; absent: not served. */
  readonly mcpAddr?: string
  /** What clients of `mcpAddr` must show. Secret; ours alone. */
  readonly mcpToken?: string
  readonly socket: { readonly enabled: boolean; readonly path: string; readonly permissions: number }
  readonly levels: readonly CompactionLevel[]
  /** 0: off. */
  readonly validationIntervalMs: number
  readonly heartbeat?: { readonly url: string; readonly intervalMs: number }
  /** A command line; absent: none. */
  readonly exec?: string
  readonly logging: LoggingConfig
  /** For databases registered while the daemon runs. */
  readonly defaults: ReplicationSettings
}

/** Something that works, and that its author should know of: a key that nobody reads, a deprecated one. */
export interface ConfigWarning {
  readonly message: string
  /** Both from 1. */
  readonly line: number
  readonly column: number
}
