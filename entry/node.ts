// litetap in Node: query a bucket in Litestream's format in place; replicate a live SQLite database to it, and restore it.

export { openReplica, parseReplicaURL } from '../storage/node.ts'
export type {
  FollowOptions,
  Log,
  ReplicatorOptions,
  ReplicatorSettings,
  RestoreOptions,
  RestoreResult,
} from '../writer/index.ts'
export { follow, Replicator, resetLocalState, restore, WriterError } from '../writer/index.ts'
export { type OpenOptions, open } from './open.ts'
export * from './reading.ts'
