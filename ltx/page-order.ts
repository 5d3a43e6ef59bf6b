import type { LtxErrorCode } from './errors.ts'
import { LtxError } from './errors.ts'
import type { Header } from './header.ts'
import { isSnapshot } from './header.ts'
import { lockPgno } from './page-size.ts'
import type { Pgno } from './pgno.ts'

/**
 * Which page may come next in a file: strictly ascending, at most `commit`, never the lock page; and in a
 * snapshot every page from 1 to `commit` (facts 1.3). The encoder and the decoder both ask.
 */
export class PageOrder {
  readonly #commit: number
  readonly #lockPgno: number
  readonly #complete: boolean
  #previous = 0

  constructor(header: Header) {
    this.#commit = header.commit
    this.#lockPgno = lockPgno(header.pageSize)
    this.#complete = isSnapshot(header)
  }

  /** @throws LtxError when `pgno` must not come now */
  accept(pgno: Pgno): void {
    const next = this.#next()
    if (pgno === next && pgno <= this.#commit) {
      this.#previous = pgno
      return
    }
    if (!Number.isInteger(pgno) || pgno <= 0) fail('LTX_PGNO_ZERO', pgno, 'page numbers begin at 1')
    if (pgno > this.#commit) fail('LTX_PAGE_BEYOND_COMMIT', pgno, `the database has ${this.#commit} pages`)
    if (pgno === this.#lockPgno) fail('LTX_LOCK_PAGE', pgno, 'the lock page is never stored')
    if (pgno <= this.#previous) fail('LTX_PAGE_ORDER', pgno, `it follows page ${this.#previous}`)
    if (this.#complete) fail('LTX_SNAPSHOT_PAGE_MISSING', next, `a snapshot needs it before page ${pgno}`)
    this.#previous = pgno
  }

  /** The page block ends. @throws LtxError LTX_SNAPSHOT_PAGE_MISSING with the first page that is missing */
  end(): void {
    const next = this.#next()
    if (this.#complete && next <= this.#commit) {
      const reason = `a snapshot of ${this.#commit} pages ends before it`
      throw new LtxError('LTX_SNAPSHOT_PAGE_MISSING', `Cannot end page block: ${reason}`, { at: { pgno: next } })
    }
  }

  #next(): number {
    return this.#previous + 1 === this.#lockPgno ? this.#lockPgno + 1 : this.#previous + 1
  }
}

function fail(code: LtxErrorCode, pgno: Pgno, reason: string): never {
  throw new LtxError(code, `Cannot accept page: ${reason}`, { at: { pgno } })
}
