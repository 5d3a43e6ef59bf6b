// The persistent tier for Node: its own entry, because browsers have no node:*.
export type { DiskCacheOptions, DiskCacheStats } from './disk-cache.ts'
export { DEFAULT_DISK_BYTES, DiskCache } from './disk-cache.ts'
export type { DiskCacheProblemCode } from './problem.ts'
export { DiskCacheProblem } from './problem.ts'
