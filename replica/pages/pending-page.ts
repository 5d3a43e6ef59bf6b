import type { Account } from '../core/account.ts'
import type { SourceFile } from '../state/source-file.ts'
import type { FetchJob } from './fetch-job.ts'
import type { WantedPage } from './plan-fetch.ts'

/** Waits for a page, and pays for it. */
export interface Waiter {
  readonly account: Account
  resolve(page: Uint8Array): void
  reject(error: unknown): void
}

/** A page that has been asked for and has not come yet. */
export interface PendingPage {
  readonly wanted: WantedPage
  /** Undefined until it is known that the store does not have the page. */
  job: FetchJob | undefined
  /** Goes to the store alone, unless somebody comes to wait for it. */
  readonly storeOnly: boolean
  /** When it was asked for: milliseconds by the process's own clock. */
  readonly askedAt: number
  readonly waiters: Set<Waiter>
  /** Pay for it though they do not wait for it. */
  readonly sponsors: Set<Account>
  /** Whoever wants to know when it is over. */
  arrival?: PromiseWithResolvers<{ readonly failure?: unknown }>
}

/** Pages on their way, by file and page number. */
export class PendingPages {
  readonly #files = new Map<SourceFile, Map<number, PendingPage>>()

  get({ pgno, location }: WantedPage): PendingPage | undefined {
    return this.#files.get(location.file)?.get(pgno)
  }

  add(pending: PendingPage): void {
    const { pgno, location } = pending.wanted
    const pages = this.#files.get(location.file)
    if (pages) pages.set(pgno, pending)
    else this.#files.set(location.file, new Map([[pgno, pending]]))
  }

  /** What was there, which is there no longer. */
  take({ pgno, location }: WantedPage): PendingPage | undefined {
    const pages = this.#files.get(location.file)
    const pending = pages?.get(pgno)
    pages?.delete(pgno)
    if (pages?.size === 0) this.#files.delete(location.file)
    return pending
  }

  /** True while the page is on its way and somebody pays for it. */
  isWanted(pending: PendingPage): boolean {
    return this.get(pending.wanted) === pending && (pending.waiters.size > 0 || pending.sponsors.size > 0)
  }
}
