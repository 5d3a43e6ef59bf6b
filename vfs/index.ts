// The whole surface of vfs/ that runs everywhere; load-node.ts finds SQLite in Node.

export { ConnectionPool, type PoolContext, type PoolOptions } from './connection/connection-pool.ts'
export type { Row, RowFormat, SqlParameter, SqlParameters, SqlValue } from './connection/values.ts'
export { Database, type DatabaseOptions, type DatabaseStats, type QueryOptions, type When } from './database.ts'
export { type BridgeKind, detectBridge } from './engine/bridge.ts'
export type { EngineModules } from './engine/engine.ts'
export { isVfsError, VfsError, type VfsErrorCode, type VfsErrorContext } from './engine/errors.ts'
export type { CostEstimate } from './explain-cost.ts'
export type { Queries, Statement } from './queries.ts'
export { tell } from './tell.ts'
export { compileTrampoline, trampolineBytes } from './trampoline/trampoline.ts'
