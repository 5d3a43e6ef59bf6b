/** What a body may have at most, decoded. */
export interface BodyLimit {
  readonly bytes: number
  /** What to do when it has more; follows `it has more than ... bytes; `. */
  readonly hint: string
}

/**
 * Files that a catalog, or the listing of one level, may have: eleven days of a transaction a second without any compaction.
 * As many take a reader some 400 MB.
 */
export const MAX_FILES = 1_000_000

/** Why there are so many, and what to do. */
export const TOO_MANY_HINT = 'let compaction and retention run'

/** Bytes of a file in a catalog: 78 where all its numbers are as long as they can be. */
const ROW_BYTES = 80

/** A catalog of `MAX_FILES`, and its head. */
export const CATALOG_LIMIT: BodyLimit = {
  bytes: MAX_FILES * ROW_BYTES + 4096,
  hint: `is it a catalog? If it is, ${TOO_MANY_HINT}`,
}

/** A page map has some 5 bytes a page: this is one of 200 GB. */
const MAX_PAGE_MAP_BYTES = 256 * 1024 * 1024

/** A page map is replaced before the catalog names the new one, which may be larger. */
export function pageMapLimit(namedBytes: number): BodyLimit {
  return {
    bytes: Math.min(MAX_PAGE_MAP_BYTES, 2 * namedBytes + 64 * 1024),
    hint: `by the catalog it has ${namedBytes}: write both anew`,
  }
}

/** The words of a refusal are read so far. */
export const ERROR_BYTES = 64 * 1024

/** Longest wait for a body that is read as a whole, however it drips, in ms. */
export const WHOLE_BODY_MS = 300_000
