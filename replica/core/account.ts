import { ReplicaError } from './errors.ts'
import type { Budget, Cost } from './types.ts'

/** A cost of nothing, to be counted up. */
export function newCost(): Cost {
  return {
    requests: 0,
    bytes: 0,
    roundTrips: 0,
    hits: 0,
    misses: 0,
    prefetchUseful: 0,
    prefetchWasted: 0,
  }
}

/** Pays for one request: an account alone, or several together (`SharedRequest`). */
export interface Payer {
  /**
   * Before the request is sent.
   * @param bytes that it will bring, where that is known
   * @throws ReplicaError REPLICA_BUDGET
   */
  request(bytes: number): void
  received(bytes: number): void
}

/** What one reader costs, and may cost. The replica's total counts along. */
export class Account implements Payer {
  /** Of the replica: counts each request once, however many accounts pay for it. */
  readonly total: Cost
  readonly #own: Cost
  readonly #budget: Budget
  /** Bytes that were promised to this account, and have not come yet. */
  #expected = 0

  /** @param costs the one that `budget` limits, and the replica's total; one alone is both */
  constructor([own, total = own]: readonly [own: Cost, total?: Cost], budget: Budget = {}) {
    this.total = total
    this.#own = own
    this.#budget = budget
  }

  /** Requests or bytes are limited: nothing should be spent on guesses. */
  get limited(): boolean {
    return this.#budget.maxRequests !== undefined || this.#budget.maxBytes !== undefined
  }

  request(bytes: number): void {
    const refusal = this.#refusal(1, bytes)
    if (refusal) throw refusal
    for (const cost of this.#costs) cost.requests += 1
  }

  received(bytes: number): void {
    for (const cost of this.#costs) cost.bytes += bytes
  }

  /**
   * Take a part in a request that the total counts by itself.
   * @param requests 1, or 0 to have more bytes of one that this account has a part in
   * @param bytes that will come; they count from now on against the budget
   * @returns why that is not possible
   */
  pledge(requests: number, bytes: number): ReplicaError | undefined {
    const refusal = this.#refusal(requests, bytes)
    if (refusal) return refusal
    this.#expected += bytes
    if (this.#own !== this.total) this.#own.requests += requests
    return undefined
  }

  /** Some of the pledged bytes have come. */
  redeem(bytes: number): void {
    this.#expected -= bytes
    if (this.#own !== this.total) this.#own.bytes += bytes
  }

  /** Some of the pledged bytes will not come. */
  release(bytes: number): void {
    this.#expected -= bytes
  }

  /** Before somebody waits for a round of requests. @throws ReplicaError REPLICA_BUDGET */
  roundTrip(): void {
    const { maxRoundTrips } = this.#budget
    if (maxRoundTrips !== undefined && this.#own.roundTrips + 1 > maxRoundTrips) {
      throw overBudget(maxRoundTrips, 'round trips')
    }
    for (const cost of this.#costs) cost.roundTrips += 1
  }

  page(found: 'hits' | 'misses'): void {
    for (const cost of this.#costs) cost[found] += 1
  }

  get #costs(): readonly Cost[] {
    return this.#own === this.total ? [this.total] : [this.#own, this.total]
  }

  #refusal(requests: number, bytes: number): ReplicaError | undefined {
    const { maxRequests, maxBytes } = this.#budget
    if (maxRequests !== undefined && this.#own.requests + requests > maxRequests) {
      return overBudget(maxRequests, 'requests')
    }
    if (maxBytes !== undefined && this.#own.bytes + this.#expected + bytes > maxBytes) {
      return overBudget(maxBytes, 'bytes')
    }
    return undefined
  }
}

function overBudget(limit: number, what: string): ReplicaError {
  return new ReplicaError(
    'REPLICA_BUDGET',
    `Cannot go on: the query needs more than the ${limit} ${what} it may cost`,
    {
      hint: 'Use an index, ask for less, or allow more.',
    },
  )
}
