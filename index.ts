// litetap in Node: replicate a live SQLite database to a bucket in Litestream's format, and restore it.
export { formatTXID, parseTXID, type TXID } from './ltx/index.ts'
export type { LtxFileInfo, ReplicaClient } from './storage/index.ts'
export { openReplica, parseReplicaURL, StorageError } from './storage/index.ts'
export type {
  FollowOptions,
  Log,
  ReplicatorOptions,
  ReplicatorSettings,
  RestoreOptions,
  RestoreResult,
} from './writer/index.ts'
export { follow, Replicator, resetLocalState, restore, WriterError } from './writer/index.ts'
