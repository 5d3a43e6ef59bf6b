/** A page on its way into a store: its number, 1-based, and its bytes. They are given away: nobody may change them. */
export type StoredPage = readonly [pgno: number, page: Uint8Array]

/** A page as a store gives it: the caller's own bytes, or undefined when it is not there. */
export type MaybePage = Uint8Array | undefined

/** How a store is doing, as this process has seen it. */
export interface PageStoreStats {
  /** Pages that reads found, and did not. */
  readonly hits: number
  readonly misses: number
  /** Pages and blobs that were written, and were given up. */
  readonly written: number
  readonly dropped: number
  /** Entries that were read and found damaged; each was a miss. */
  readonly damaged: number
  /** False when it keeps nothing any more: it cannot be opened, has been given up, or closed. */
  readonly usable: boolean
  /** The newest trouble, if there has been any: also one that is over. */
  readonly problem: Error | undefined
}

/**
 * A tier of pages that outlives the process, behind the memory tier. It is a cache: it may forget anything at any time,
 * and its troubles are never the reader's. So no method throws or rejects; what cannot be read is a miss, what cannot
 * be written is dropped.
 *
 * What a read gives is exactly what was written under that name, or nothing.
 */
export interface PageStore {
  /**
   * @param file the file's key, opaque, the same for ever for the same content
   * @param pgnos any order
   * @returns one for each pgno, in that order; each has a buffer of its own
   */
  read(file: string, pgnos: readonly number[]): MaybePage[] | Promise<MaybePage[]>

  /** Keep pages (a Map of them will do), later: returns at once. Until then they are misses. */
  write(file: string, pages: Iterable<StoredPage>): void

  /** The bytes last written under the name, the caller's own. */
  readBlob(name: string): MaybePage | Promise<MaybePage>

  /** Keep bytes under a name, later, instead of what is there. `bytes` are given away. */
  writeBlob(name: string, bytes: Uint8Array): void

  /** Resolves when everything written so far has been stored or dropped. */
  flush(): Promise<void>

  /** A fresh copy of what it knows about itself; what depends on it says what is wrong. */
  stats?(): PageStoreStats

  /** Flush and let go. Afterwards every read is a miss and every write is dropped. */
  close(): Promise<void>
}
