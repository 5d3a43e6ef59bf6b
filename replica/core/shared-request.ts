import type { Account, Payer } from './account.ts'
import type { ReplicaError } from './errors.ts'
import type { Cost } from './types.ts'

/** Bytes of a file that somebody waits for, counted from its start: from the first of them up to `end`. */
export interface Span {
  readonly start: number
  readonly end: number
}

interface Part extends Span {
  /** Bytes of it that have been counted. */
  readonly counted: number
}

/**
 * One request that several wait for. Each account pays as if it had sent the request alone: one request, and the bytes
 * from the first that it waits for to the last. So none is charged for what only others want, and none is refused for
 * what another one may not pay. The replica's total counts the request and all its bytes once.
 */
export class SharedRequest implements Payer {
  readonly #parts = new Map<Account, Part>()
  /** Undefined until it is sent. */
  #total: Cost | undefined
  /** Up to where bytes have come, from the start of the file. */
  #position = 0

  /**
   * Before it is sent, or while it is under way. Whoever has a part already has it made longer.
   * @returns why the account may not pay; its part stays as it was then
   */
  join(account: Account, span: Span): ReplicaError | undefined {
    const part = this.#parts.get(account)
    const start = Math.min(span.start, part?.start ?? span.start)
    const end = Math.max(span.end, part?.end ?? span.end)
    const more = end - start - (part ? part.end - part.start : 0)
    const refusal = account.pledge(part ? 0 : 1, more)
    if (refusal) return refusal
    this.#count(account, { start, end, counted: part?.counted ?? 0 })
    return undefined
  }

  /** @param offset where the request's bytes begin, from the start of the file */
  sentFor(offset: number): this {
    this.#position = offset
    return this
  }

  request(): void {
    const [account] = this.#parts.keys()
    if (account === undefined) throw new RangeError('A request that nobody pays for')
    this.#total = account.total
    this.#total.requests += 1
  }

  received(bytes: number): void {
    this.#position += bytes
    if (this.#total) this.#total.bytes += bytes
    for (const [account, part] of this.#parts) this.#count(account, part)
  }

  /** No more bytes will come. */
  end(): void {
    for (const [account, { start, end, counted }] of this.#parts) account.release(end - start - counted)
    this.#parts.clear()
  }

  #count(account: Account, { start, end, counted }: Part): void {
    const now = Math.max(counted, Math.min(this.#position, end) - start)
    account.redeem(now - counted)
    this.#parts.set(account, { start, end, counted: now })
  }
}
