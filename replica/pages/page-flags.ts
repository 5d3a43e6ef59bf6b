import type { Pgno, TXID } from '../../ltx/index.ts'
import type { PageCache } from '../../pagecache/index.ts'
import { ReplicaError } from '../core/errors.ts'
import type { Snapshot } from '../state/snapshot.ts'

/** The page is in memory. */
export const PAGE_CACHED = 1
/** The file that has it reaches beyond the TXID that was asked about: it was changed since, or may have been. */
export const PAGE_CHANGED = 2

/**
 * What is known of each page of a state without asking for anything.
 *
 * @param since for PAGE_CHANGED. A page whose place is not known yet has neither flag
 * @returns a byte a page, flags; page 1 is the first. Fresh
 */
export function pageMap(state: Snapshot, cache: PageCache, since?: TXID): Uint8Array {
  const flags = new Uint8Array(state.commit)
  for (let pgno = 1; pgno <= state.commit; pgno++) {
    const location = locate(state, pgno)
    if (location === undefined) continue
    const { file } = location
    const cached = cache.has(file.cached, pgno) ? PAGE_CACHED : 0
    const changed = since !== undefined && file.info.maxTXID > since ? PAGE_CHANGED : 0
    flags[pgno - 1] = cached | changed
  }
  return flags
}

function locate(state: Snapshot, pgno: Pgno) {
  try {
    const location = state.locate(pgno)
    return location === 'zeros' || Array.isArray(location) ? undefined : location
  } catch (error) {
    if (error instanceof ReplicaError) return undefined // a page that is nowhere is an error of who reads it
    throw error
  }
}
