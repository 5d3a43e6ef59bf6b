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

/** Who pays for requests: several costs are counted together, and one budget ends them. */
export class Account {
  readonly #costs: readonly Cost[]
  readonly #budget: Budget
  /** The cost that the budget is for. */
  readonly #own: Cost

  /** @param costs the first is the one that `budget` limits */
  constructor(costs: readonly [Cost, ...Cost[]], budget: Budget = {}) {
    this.#costs = costs
    this.#own = costs[0]
    this.#budget = budget
  }

  /** Requests or bytes are limited: nothing should be spent on guesses. */
  get limited(): boolean {
    return this.#budget.maxRequests !== undefined || this.#budget.maxBytes !== undefined
  }

  /**
   * Before a request is sent.
   * @param bytes that it will bring, where that is known
   * @throws ReplicaError REPLICA_BUDGET
   */
  request(bytes: number): void {
    const { maxRequests, maxBytes } = this.#budget
    if (maxRequests !== undefined && this.#own.requests + 1 > maxRequests) throw overBudget(maxRequests, 'requests')
    if (maxBytes !== undefined && this.#own.bytes + bytes > maxBytes) throw overBudget(maxBytes, 'bytes')
    for (const cost of this.#costs) cost.requests += 1
  }

  received(bytes: number): void {
    for (const cost of this.#costs) cost.bytes += bytes
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
