import type { StateTarget } from '../../replica/index.ts'
import type { ReplicaClient } from '../../storage/node.ts'
import type { ReplicaSettings } from '../../storage/replica-settings.ts'
import type { Config } from '../config/config.ts'
import type { Control } from '../control.ts'

/** A database that is queried in place. */
export interface QueryableDatabase {
  at(target: StateTarget, options: { readonly signal: AbortSignal }): Promise<QueryableDatabase>
  columns(sql: string, options: { readonly signal: AbortSignal }): Promise<readonly string[]>
  each(
    sql: string,
    parameters: readonly [],
    options: { readonly signal: AbortSignal; readonly rows: 'array' },
  ): AsyncIterable<unknown>
  close(): Promise<void>
}

/** What the tools work on. */
export interface McpSubject {
  /** Of the daemon that runs them. */
  readonly control: Control
  /** Of the program. */
  readonly version: string
  /** The daemon's own configuration, or that of another file. @throws DaemonError DAEMON_CONFIG */
  loadConfig(path?: string): Promise<Config>
  /** @throws StorageError */
  openReplica(source: string | ReplicaSettings): Promise<ReplicaClient>
  /** The client is the database's once it is open. Absent: there is no `litetap_query`. */
  readonly openDatabase?: (client: ReplicaClient, options: { signal: AbortSignal }) => Promise<QueryableDatabase>
  /** A database path as people write it, made absolute. */
  expandPath(text: string): string
  /** Milliseconds since the Unix epoch. */
  now(): number
}
