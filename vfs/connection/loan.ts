import type { Connection } from './connection.ts'
import type { Holder } from './holder.ts'

/** Where a connection goes back to. */
export interface Lender {
  give(loan: Loan): void
  discard(loan: Loan): void
}

/** A connection out of the pool, for one query, transaction or iterator. */
export class Loan implements Holder {
  readonly connection: Connection
  /** The holder within whose transaction it was asked for. */
  within: Holder | undefined
  readonly #lender: Lender
  readonly #now: () => number
  #calls = 0
  #idleSince: number | undefined

  /** @param now milliseconds, of any clock */
  constructor(connection: Connection, lender: Lender, now: () => number) {
    this.connection = connection
    this.#lender = lender
    this.#now = now
  }

  /** Undefined, too, for a query, which asks all the time. */
  get idleSince(): number | undefined {
    return this.#idleSince
  }

  /** From now on it is asked by `use` only, and idle in between. */
  rest(): void {
    this.#idleSince = this.#now()
  }

  /** Ask something of the connection. */
  async use<T>(call: () => Promise<T>): Promise<T> {
    this.#calls++
    this.#idleSince = undefined
    try {
      return await call()
    } finally {
      if (--this.#calls === 0) this.rest()
    }
  }

  /** Let the next one have the connection. */
  give(): void {
    this.#lender.give(this)
  }

  /** Let nobody have the connection any more: it may not be sound. The pool makes another one when it is needed. */
  discard(): void {
    this.#lender.discard(this)
  }
}
