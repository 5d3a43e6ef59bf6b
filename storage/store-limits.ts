import { type BodyLimit, TOO_MANY_HINT } from './limits.ts'

/** One page of a store's listing. The largest are Azure's: 5000 blobs with their metadata. */
export const LISTING_LIMIT: BodyLimit = { bytes: 16 * 1024 * 1024, hint: 'is it such a store? Correct the URL' }

/** A folder of a WebDAV server, which comes in one piece: some 200 000 files. */
export const FOLDER_LIMIT: BodyLimit = {
  bytes: 128 * 1024 * 1024,
  hint: `is it a WebDAV server? If it is, ${TOO_MANY_HINT}`,
}

/** An answer of a few words. */
export const ANSWER_LIMIT: BodyLimit = { ...LISTING_LIMIT, bytes: 1024 * 1024 }

/** A lease: three numbers and a name. */
export const LEASE_LIMIT: BodyLimit = {
  bytes: 64 * 1024,
  hint: 'it is no lease: delete it if nobody writes to this replica',
}

/** Pages of one listing: ten million keys. */
export const MAX_PAGES = 10_000

/** Longest wait for all pages of a listing, in ms. */
export const LISTING_MS = 15 * 60_000
