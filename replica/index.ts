export { newCost } from './account.ts'
export { isReplicaError, ReplicaError, type ReplicaErrorCode, type ReplicaErrorContext } from './errors.ts'
export { fileKey } from './file-key.ts'
export { firstBest, LevelCursor } from './level-cursor.ts'
export { type ListLevelsOptions, listLevel, listLevels } from './list-levels.ts'
export { PAGE_CACHED, PAGE_CHANGED } from './page-map.ts'
export { type PageMapFile, PageMapMaker } from './page-map-maker.ts'
export { parseTime } from './parse-time.ts'
export { describeGap, findGap, type Levels, planRestore, type RestoreTarget, type TxidGap } from './plan-restore.ts'
export { Replica, type ReplicaOptions } from './replica.ts'
export { highestTXID, lowestTXID } from './txid-range.ts'
export type {
  Budget,
  Cost,
  DatabaseState,
  Foresight,
  HydrationProgress,
  Lag,
  PinnedPages,
  PinOptions,
  ReadableReplica,
  RefreshOptions,
  StateTarget,
} from './types.ts'
