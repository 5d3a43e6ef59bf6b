// litetap in Node: query a bucket in Litestream's format in place; replicate a live SQLite database to it, and restore it.
export { formatTXID, parseTXID, type TXID } from './ltx/index.ts'
export { type OpenOptions, open } from './open.ts'
export type { Budget, Cost, DatabaseState, HydrationProgress, Lag, StateTarget } from './replica/index.ts'
export { ReplicaError } from './replica/index.ts'
export type { LtxFileInfo, ReplicaClient } from './storage/node.ts'
export { openReplica, parseReplicaURL, StorageError } from './storage/node.ts'
export type {
  CostEstimate,
  Database,
  Queries,
  QueryOptions,
  Row,
  SqlParameters,
  SqlValue,
  Statement,
} from './vfs/index.ts'
export { VfsError } from './vfs/index.ts'
export type {
  FollowOptions,
  Log,
  ReplicatorOptions,
  ReplicatorSettings,
  RestoreOptions,
  RestoreResult,
} from './writer/index.ts'
export { follow, Replicator, resetLocalState, restore, WriterError } from './writer/index.ts'
