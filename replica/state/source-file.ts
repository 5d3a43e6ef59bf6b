import type { CachedFile } from '../../pagecache/index.ts'
import type { LtxFileInfo } from '../../storage/index.ts'
import { fileKey } from '../core/file-key.ts'

/** One LTX file of a replica, as its reader knows it. Immutable, as the file is. */
export class SourceFile {
  readonly info: LtxFileInfo
  /** `<level>/<min>-<max>.ltx`, for people. */
  readonly key: string
  /**
   * Names the content in a cache that several replicas share. The checksum is part of it: a bucket that was emptied
   * and begun anew uses the same names for other files.
   */
  readonly cacheKey: string
  /** The handle for `cacheKey` in the page cache. */
  readonly cached: CachedFile

  /** From its trailer. */
  readonly checksum: bigint

  constructor(info: LtxFileInfo, checksum: bigint, cache: { file(key: string): CachedFile }) {
    this.info = info
    this.checksum = checksum
    this.key = fileKey(info)
    this.cacheKey = `${this.key} ${info.size} ${checksum.toString(16)}`
    this.cached = cache.file(this.cacheKey)
  }
}
