// The whole surface of pagecache/ that runs everywhere; Node's persistent tier is disk/index.ts.
export type { CachedFile } from './cached-file.ts'
export { InFlight } from './in-flight.ts'
export type { PageCacheOptions, PageCacheStats } from './page-cache.ts'
export { DEFAULT_CACHE_BYTES, PageCache } from './page-cache.ts'
export type { MaybePage, PageStore, PageStoreStats, StoredPage } from './page-store.ts'
