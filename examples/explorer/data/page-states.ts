import { type Database, PAGE_CACHED, PAGE_CHANGED, type TXID } from '../../../entry/web.ts'

export { PAGE_CACHED, PAGE_CHANGED }
/** Came into memory with the last query. */
export const PAGE_FRESH = 128

/** What is known of each page of a state. */
export interface PageStates {
  readonly txid: TXID
  /** The moment since which pages count as changed. */
  readonly base: TXID | undefined
  /** Changed is what was, not what may have been. */
  readonly exact: boolean
  /** A byte a page, flags as above; the first is page 1. */
  readonly flags: Uint8Array
}

export interface PageStatesOptions {
  readonly base: TXID | undefined
  /** The same map before the last query, if it ran on this state. */
  readonly before: Uint8Array | undefined
  /** The pages written since `base`, where they are known. Default: what the files in use say, which may be too many. */
  readonly changed: ReadonlySet<number> | undefined
}

export function pageStates(db: Database, { base, before, changed }: PageStatesOptions): PageStates {
  const flags = db.pageMap(changed ? undefined : base)
  for (let i = 0; i < flags.length; i++) {
    if (changed?.has(i + 1)) flags[i]! |= PAGE_CHANGED
    if (before && flags[i]! & PAGE_CACHED && !(before[i]! & PAGE_CACHED)) flags[i]! |= PAGE_FRESH
  }
  return { txid: db.txid, base, exact: changed !== undefined, flags }
}

/** How many pages have a flag. */
export function countPages({ flags }: PageStates, flag: number): number {
  let count = 0
  for (const each of flags) if (each & flag) count++
  return count
}
