import type { Account } from '../core/account.ts'
import type { ReplicaError } from '../core/errors.ts'
import { SharedRequest, type Span } from '../core/shared-request.ts'
import type { SourceFile } from '../state/source-file.ts'
import type { PendingPage } from './pending-page.ts'

/** One request for pages, to be sent or under way. */
export interface FetchJob {
  readonly file: SourceFile
  /** Ascending by offset; at least one. */
  readonly pages: readonly PendingPage[]
  readonly pageSize: number
  /** Asked for the pages first: what has not been sent may be planned anew with more of its wishes. */
  readonly planner: Account
  /** Somebody waits for one of its pages. */
  urgent: boolean
  /** When the first of its pages was asked for. */
  readonly askedAt: number
  /** Undefined until it is sent. */
  sent: SentJob | undefined
}

/** A job under way. */
export interface SentJob {
  readonly payers: SharedRequest
  readonly controller: AbortController
}

/**
 * Before a job is sent: all who want some of its pages pay for them, each for itself. An account that cannot pay for all
 * of its pages does without those that nobody of it waits for; one that cannot pay for the others either is refused, and
 * its waiters hear of it.
 *
 * @returns who pays; the pages that nobody pays for have neither waiters nor sponsors now
 */
export function chargeAll(job: FetchJob): SharedRequest {
  const payers = new SharedRequest()
  const accounts = new Set<Account>()
  for (const { waiters, sponsors } of job.pages) {
    for (const account of sponsors) accounts.add(account)
    for (const { account } of waiters) accounts.add(account)
  }
  for (const account of accounts) {
    const pages = job.pages.filter((page) => page.sponsors.has(account) || isAwaited(page, account))
    if (payers.join(account, spanOf(pages)) === undefined) continue
    for (const page of pages) page.sponsors.delete(account)
    const waited = pages.filter((page) => isAwaited(page, account))
    const refusal = waited.length > 0 ? payers.join(account, spanOf(waited)) : undefined
    if (refusal) for (const page of waited) refuse(page, account, refusal)
  }
  return payers
}

/** The bytes from the first of some pages of one file to the last. */
export function spanOf(pages: readonly PendingPage[]): Span {
  const { offset } = pages[0]!.wanted.location
  const last = pages.at(-1)!.wanted.location
  return { start: offset, end: last.offset + last.size }
}

function isAwaited({ waiters }: PendingPage, account: Account): boolean {
  for (const waiter of waiters) if (waiter.account === account) return true
  return false
}

function refuse({ waiters }: PendingPage, account: Account, error: ReplicaError): void {
  for (const waiter of waiters) {
    if (waiter.account !== account) continue
    waiters.delete(waiter)
    waiter.reject(error)
  }
}
