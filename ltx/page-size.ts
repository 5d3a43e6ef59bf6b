/** The byte SQLite locks lies here; the page that holds it is never used (SQLite: PENDING_BYTE). */
const LOCK_BYTE = 0x4000_0000

export const MIN_PAGE_SIZE = 512
export const MAX_PAGE_SIZE = 65536

/** True for a power of two from 512 to 65536. */
export function isValidPageSize(pageSize: number): boolean {
  return (
    Number.isInteger(pageSize) &&
    pageSize >= MIN_PAGE_SIZE &&
    pageSize <= MAX_PAGE_SIZE &&
    (pageSize & (pageSize - 1)) === 0
  )
}

/** The page number of the lock page, which no LTX file holds: 262145 for 4096-byte pages (facts 1.8). */
export function lockPgno(pageSize: number): number {
  return Math.floor(LOCK_BYTE / pageSize) + 1
}
