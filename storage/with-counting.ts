import { isObservable, type RequestObserver, type RequestVerb } from './observe.ts'
import { ObservedCalls } from './observed-calls.ts'
import type { ReplicaClient } from './types.ts'

/** What a client has cost so far. A live object: read it, or copy it with `snapshot()`. */
export class RequestCounts {
  readonly requests: Record<RequestVerb, number> = { list: 0, head: 0, get: 0, put: 0, delete: 0, other: 0 }
  /** File bytes given to readers. Listings and headers are not counted. */
  bytesIn = 0
  /** File bytes taken from writers. */
  bytesOut = 0
  inFlight = 0
  maxInFlight = 0

  /** All requests. */
  get total(): number {
    return Object.values(this.requests).reduce((sum, count) => sum + count, 0)
  }

  snapshot(): Record<RequestVerb, number> & { total: number; bytesIn: number; bytesOut: number } {
    return { ...this.requests, total: this.total, bytesIn: this.bytesIn, bytesOut: this.bytesOut }
  }

  /** Count from zero again; what is in flight stays so. */
  reset(): void {
    for (const verb of Object.keys(this.requests) as RequestVerb[]) this.requests[verb] = 0
    this.bytesIn = 0
    this.bytesOut = 0
    this.maxInFlight = this.inFlight
  }
}

/**
 * Count what a client does.
 *
 * Where the client shows its real requests (s3: LIST pages, HEADs, parts, the SDK's own retries) those are counted;
 * elsewhere every call is one request, `lease` included. It changes nothing and keeps nothing.
 */
export function withCounting(client: ReplicaClient): { client: ReplicaClient; counts: RequestCounts } {
  const counts = new RequestCounts()
  const count: RequestObserver = (verb) => {
    counts.requests[verb] += 1
    counts.inFlight += 1
    counts.maxInFlight = Math.max(counts.maxInFlight, counts.inFlight)
    let ended = false
    return () => {
      if (!ended) counts.inFlight -= 1
      ended = true
    }
  }
  const bytes = {
    received: (length: number) => {
      counts.bytesIn += length
    },
    sent: (length: number) => {
      counts.bytesOut += length
    },
  }
  const real = isObservable(client)
  if (real) client.observe(count)
  return { client: new ObservedCalls(client, real ? () => () => {} : count, bytes), counts }
}
