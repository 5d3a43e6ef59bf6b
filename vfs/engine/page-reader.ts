import type { Pgno } from '../../ltx/index.ts'
import type { DatabaseState } from '../../replica/index.ts'

/** Where SQLite's reads come from: the pages of one state. */
export interface PageReader {
  /** The same object for as long as the pages are the same. */
  readonly state: DatabaseState
  readonly signal: AbortSignal | undefined
  /** SQLite's clock: milliseconds since the Unix epoch. */
  readonly now: number
  /** The page if it is at hand: bytes that others share. */
  get(pgno: Pgno): Uint8Array | undefined
  /** Names the page's content: two pages of one name are equal. Undefined where that is not known. */
  identity(pgno: Pgno): string | undefined
  /** Fetch pages that were missed and keep them until `release`. */
  hold(pgnos: readonly Pgno[]): Promise<void>
  /** Let go of the pages that were kept. */
  release(): void
}
