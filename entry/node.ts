// litetap in Node: query a bucket in Litestream's format in place; replicate a live SQLite database to it, and restore it.

export type { DiskCacheProblem, DiskCacheProblemCode } from '../pagecache/disk/index.ts'
export { type OpenReplicaOptions, openReplica, parseReplicaURL, type ReplicaURL } from '../storage/node.ts'
export type {
  FollowEvent,
  FollowOptions,
  IntegrityCheck,
  Log,
  LogFields,
  ReplicatorOptions,
  ReplicatorSettings,
  RestoreOptions,
  RestoreProgress,
  RestoreResult,
  WriterErrorCode,
  WriterErrorContext,
} from '../writer/index.ts'
export { follow, isWriterError, Replicator, resetLocalState, restore, WriterError } from '../writer/index.ts'
export { type OpenOptions, open } from './open.ts'
export * from './reading.ts'
