import type { TXID } from '../../ltx/index.ts'
import type { DatabaseState } from '../control.ts'

// What goes over the control socket, key by key as Litestream has it (facts 8.3). Timeouts are in seconds.

export interface StartReply {
  readonly status: 'started' | 'already_running'
  readonly path: string
  readonly txid: TXID
}

export interface StopReply {
  readonly status: 'stopped' | 'already_stopped'
  readonly path: string
  readonly txid: TXID
}

export interface SyncReply {
  readonly status: 'no_change' | 'synced' | 'synced_local'
  readonly path: string
  readonly txid: TXID
  readonly replicated_txid: TXID
}

export interface RegisterReply {
  readonly status: 'registered' | 'already_registered'
  readonly path: string
}

export interface UnregisterReply {
  readonly status: 'unregistered' | 'already_unregistered'
  readonly path: string
  readonly txid: TXID
}

export interface TXIDReply {
  readonly txid: TXID
}

export interface DatabaseSummary {
  readonly path: string
  readonly status: DatabaseState
  /** RFC 3339. */
  readonly last_sync_at?: string
}

export interface ListReply {
  readonly databases: readonly DatabaseSummary[]
}

export interface InfoReply {
  readonly version: string
  readonly pid: number
  readonly uptime_seconds: number
  /** RFC 3339. */
  readonly started_at: string
  readonly database_count: number
}

/** What a database's replication is busy with; what is empty is left out. */
export interface SyncDiagnostic {
  readonly path: string
  readonly active: boolean
  readonly operation?: string
  readonly phase?: string
  readonly started_at?: string
  readonly updated_at?: string
  readonly elapsed_seconds?: number
  readonly txid?: TXID
  /** Bytes of the `-wal` file. */
  readonly wal_size?: number
  readonly last_synced_wal_offset?: number
  readonly snapshotting?: boolean
  readonly checkpoint_mode?: string
  readonly error?: string
}

export interface SyncStatusReply {
  readonly databases: readonly SyncDiagnostic[]
}

export interface ErrorReply {
  readonly error: string
  /** More about it, or what to do. */
  readonly details?: unknown
}
