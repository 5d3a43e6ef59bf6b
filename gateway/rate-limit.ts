/** Addresses remembered; the one unseen for longest is forgotten first. */
const MOST_ADDRESSES = 10_000

interface Bucket {
  tokens: number
  filledAtMs: number
}

export interface RateLimitOptions {
  /** Requests a second that an address may go on with; 0 for any number. */
  readonly perSecond: number
  /** Requests at once, after a while of silence. */
  readonly burst: number
  /** Milliseconds, ascending. */
  readonly now: () => number
}

/** A token bucket for each client address. IPv6 clients have a /64 together: to change within it costs nothing. */
export class RateLimit {
  readonly #options: RateLimitOptions
  readonly #buckets = new Map<string, Bucket>()

  constructor(options: RateLimitOptions) {
    this.#options = options
  }

  /** @returns 0 when the request may go on, else the seconds to wait */
  take(address: string): number {
    const { perSecond, burst, now } = this.#options
    if (perSecond <= 0) return 0
    const key = addressKey(address)
    const nowMs = now()
    const bucket = this.#buckets.get(key) ?? { tokens: burst, filledAtMs: nowMs }
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.filledAtMs) / 1000) * perSecond)
    bucket.filledAtMs = nowMs
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    if (this.#buckets.size > MOST_ADDRESSES) this.#buckets.delete(this.#buckets.keys().next().value!)
    if (bucket.tokens < 1) return Math.max(1, Math.ceil((1 - bucket.tokens) / perSecond))
    bucket.tokens -= 1
    return 0
  }
}

/** `::ffff:1.2.3.4` is 1.2.3.4; of IPv6 the first 64 bits count. */
export function addressKey(address: string): string {
  const v4 = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (v4 !== undefined) return v4
  const [plain = ''] = address.split('%', 1)
  const [head = '', tail = ''] = plain.split('::', 2)
  const left = head === '' ? [] : head.split(':')
  const right = tail === '' ? [] : tail.split(':')
  const zeros = plain.includes('::') ? Math.max(0, 8 - left.length - right.length) : 0
  const groups = [...left, ...new Array<string>(zeros).fill('0'), ...right]
  return groups.slice(0, 4).join(':')
}
