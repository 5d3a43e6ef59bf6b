import { type Database, PAGE_CACHED, PAGE_CHANGED, type TXID } from '../../../browser.ts'

export { PAGE_CACHED, PAGE_CHANGED }
/** Came into memory with the last query. */
export const PAGE_FRESH = 128

/** What is known of each page of a state. */
export interface PageStates {
  readonly txid: TXID
  /** The moment since which pages count as changed. */
  readonly base: TXID | undefined
  /** A byte a page, flags as above; the first is page 1. */
  readonly flags: Uint8Array
}

/** @param before the same map before the last query, if it ran on this state */
export function pageStates(db: Database, base: TXID | undefined, before: Uint8Array | undefined): PageStates {
  const flags = db.pageMap(base)
  if (before) {
    for (let i = 0; i < flags.length; i++) {
      if (flags[i]! & PAGE_CACHED && !(before[i]! & PAGE_CACHED)) flags[i]! |= PAGE_FRESH
    }
  }
  return { txid: db.txid, base, flags }
}

/** How many pages have a flag. */
export function countPages({ flags }: PageStates, flag: number): number {
  let count = 0
  for (const each of flags) if (each & flag) count++
  return count
}
