import type { PageCache } from './page-cache.ts'

/** What the cache knows of one file while it holds pages of it. */
export class FileSlot {
  readonly key: string
  /** -1 once the last page has gone: the number may then be another file's, so no handle may still use it. */
  id: number
  pages = 0

  constructor(key: string, id: number) {
    this.key = key
    this.id = id
  }
}

const NO_PAGES = new FileSlot('', -1)

/**
 * A file's key looked up once, for the calls of one `PageCache`. Nothing has to be given back: a handle holds no page
 * and the cache holds no handle, so it may be kept as long as a snapshot names the file.
 */
export class CachedFile {
  readonly key: string
  /** @internal */
  readonly cache: PageCache
  /** @internal */
  slot: FileSlot = NO_PAGES

  /** @internal Made by `PageCache.file`. */
  constructor(key: string, cache: PageCache) {
    this.key = key
    this.cache = cache
  }
}
