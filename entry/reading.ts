// What every entry has for reading, beside its own `open`.
export { formatTXID, type Pgno, parseTXID, type TXID } from '../ltx/index.ts'
export type {
  Budget,
  Cost,
  DatabaseState,
  HydrationProgress,
  Lag,
  ReplicaErrorCode,
  ReplicaErrorContext,
  StateTarget,
} from '../replica/index.ts'
export { isReplicaError, PAGE_CACHED, PAGE_CHANGED, ReplicaError } from '../replica/index.ts'
export type {
  LtxFileInfo,
  ReplicaClient,
  StorageErrorAt,
  StorageErrorCode,
  StorageErrorOptions,
} from '../storage/index.ts'
export { isStorageError, StorageError } from '../storage/index.ts'
export type {
  BridgeKind,
  CostEstimate,
  Database,
  Queries,
  QueryOptions,
  Row,
  RowFormat,
  SqlParameter,
  SqlParameters,
  SqlValue,
  Statement,
  VfsErrorCode,
  VfsErrorContext,
  When,
} from '../vfs/index.ts'
export { isVfsError, VfsError } from '../vfs/index.ts'
export type { Source } from './open-database.ts'
