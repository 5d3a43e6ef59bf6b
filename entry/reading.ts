// What every entry has for reading, beside its own `open`.
export { formatTXID, parseTXID, type TXID } from '../ltx/index.ts'
export type { Budget, Cost, DatabaseState, HydrationProgress, Lag, StateTarget } from '../replica/index.ts'
export { PAGE_CACHED, PAGE_CHANGED, ReplicaError } from '../replica/index.ts'
export type { LtxFileInfo, ReplicaClient } from '../storage/index.ts'
export { StorageError } from '../storage/index.ts'
export type {
  CostEstimate,
  Database,
  Queries,
  QueryOptions,
  Row,
  SqlParameters,
  SqlValue,
  Statement,
} from '../vfs/index.ts'
export { VfsError } from '../vfs/index.ts'
