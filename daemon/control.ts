import type { TXID } from '../ltx/index.ts'
import type { ReplicaSettings } from '../storage/replica-settings.ts'
import type { Figures } from '../writer/index.ts'

/** What is replicated: uploading, held open without uploading, or neither. */
export type DatabaseState = 'replicating' | 'open' | 'stopped'

/** One database of the daemon, as it is now. */
export interface DatabaseReport {
  /** Absolute path. */
  readonly path: string
  readonly state: DatabaseState
  /** Of its replica: `s3`, ... */
  readonly replicaType: string
  /** Of its replica, without secrets. */
  readonly replicaURL: string
  /** Last TXID copied into local files; 0 before the first. */
  readonly txid: TXID
  /** Last TXID known to be durable in the replica; 0 before the first. */
  readonly replicatedTXID: TXID
  /** When the replica last was known to hold all that is local; ms since the Unix epoch. */
  readonly lastSyncAt?: number
  /** Why it does not get on at present, in one line without secrets. */
  readonly trouble?: string
  /** Since when; ms since the Unix epoch. */
  readonly troubledSince?: number
  /** What its replication has come to since the daemon began: a live record, to be read and not kept. */
  readonly figures?: Figures
}

export interface SyncResult {
  readonly txid: TXID
  readonly replicatedTXID: TXID
  /** False when there was nothing to copy or upload. */
  readonly changed: boolean
}

/**
 * What can be asked of a running daemon: by its control socket, by its metrics, by a program that holds it.
 * Paths are absolute.
 *
 * @throws DaemonError DAEMON_NO_SUCH_DATABASE, DAEMON_NOT_OPEN, DAEMON_TIMEOUT; WriterError and StorageError as they come
 */
export interface Control {
  /** All databases, by path. */
  list(): readonly DatabaseReport[]
  report(path: string): DatabaseReport | undefined
  /** @returns false when it was replicating already */
  start(path: string, options?: { readonly timeoutMs?: number }): Promise<boolean>
  /** Copy and upload what is left, then let go of the database. @returns false when it was stopped already */
  stop(path: string, options?: { readonly timeoutMs?: number }): Promise<boolean>
  /** Copy what is committed now; with `wait`, until it is durable in the replica. */
  sync(path: string, options?: { readonly wait?: boolean; readonly timeoutMs?: number }): Promise<SyncResult>
  /** Replicate one more database, with default settings, until the daemon ends. @returns false when it had this database already */
  register(path: string, replica: ReplicaSettings): Promise<boolean>
  /** Stop it and forget it. @returns its last TXID, undefined when there was no such database */
  unregister(path: string, options?: { readonly timeoutMs?: number }): Promise<TXID | undefined>
}
