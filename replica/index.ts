export { newCost } from './core/account.ts'
export { isReplicaError, ReplicaError, type ReplicaErrorCode, type ReplicaErrorContext } from './core/errors.ts'
export { fileKey } from './core/file-key.ts'
export { orAborted } from './core/or-aborted.ts'
export type {
  Budget,
  Cost,
  DatabaseState,
  HydrationProgress,
  Lag,
  PinnedPages,
  PinOptions,
  Predictor,
  ReadableReplica,
  RefreshOptions,
  StateTarget,
} from './core/types.ts'
export { PAGE_CACHED, PAGE_CHANGED } from './pages/page-flags.ts'
export { firstBest, LevelCursor } from './plan/level-cursor.ts'
export { type ListLevelsOptions, listLevel, listLevels } from './plan/list-levels.ts'
export { parseTime } from './plan/parse-time.ts'
export {
  describeGap,
  findGap,
  type Levels,
  planRestore,
  type RestoreTarget,
  type TxidGap,
} from './plan/plan-restore.ts'
export { highestTXID, lowestTXID } from './plan/txid-range.ts'
export { Replica, type ReplicaOptions } from './replica.ts'
