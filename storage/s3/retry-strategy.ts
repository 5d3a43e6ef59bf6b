import type { S3ClientConfig } from '@aws-sdk/client-s3'

type RetryStrategy = Exclude<NonNullable<S3ClientConfig['retryStrategy']>, (...args: never[]) => unknown>

interface RetryToken {
  getRetryCount(): number
  getRetryDelay(): number
}

interface RetryInfo {
  readonly error?: unknown
  readonly errorType: 'TRANSIENT' | 'THROTTLING' | 'SERVER_ERROR' | 'CLIENT_ERROR'
  readonly retryAfterHint?: Date
}

export interface RetryStrategyOptions {
  /** The first attempt included. */
  readonly maxAttempts: number
  readonly random: () => number
  readonly now: () => number
}

const BASE_MS = 100
const THROTTLED_BASE_MS = 500
const MAX_MS = 20_000

/** Codes the SDK takes for the client's fault, though the same request may succeed next time (facts 2.4). */
const ALSO_TRANSIENT = new Set(['RequestCanceled', 'ConditionalRequestConflict', 'OperationAborted'])

/**
 * The SDK's standard retries - exponential backoff with full jitter - but without its token bucket: under a long
 * disturbance the bucket runs dry and every request then fails at its first error, just when retrying matters most
 * (facts 2.4).
 */
export function retryStrategy(options: RetryStrategyOptions): RetryStrategy {
  const token = (count: number, delay: number): RetryToken => ({
    getRetryCount: () => count,
    getRetryDelay: () => delay,
  })
  return {
    acquireInitialRetryToken: async () => token(0, 0),
    refreshRetryTokenForRetry: async (last: RetryToken, info: RetryInfo) => {
      const count = last.getRetryCount() + 1
      if (count >= options.maxAttempts || !isTransient(info)) throw new Error('Not to be retried')
      const base = info.errorType === 'THROTTLING' ? THROTTLED_BASE_MS : BASE_MS
      const backoff = options.random() * Math.min(MAX_MS, base * 2 ** count)
      const hint = info.retryAfterHint ? info.retryAfterHint.getTime() - options.now() : 0
      return token(count, Math.ceil(Math.max(backoff, Math.min(hint, MAX_MS))))
    },
    recordSuccess: () => {},
  }
}

function isTransient(info: RetryInfo): boolean {
  if (info.errorType === 'TRANSIENT' || info.errorType === 'THROTTLING') return true
  const error = info.error as { name?: string; $metadata?: { httpStatusCode?: number } } | undefined
  return error?.$metadata?.httpStatusCode === 408 || ALSO_TRANSIENT.has(error?.name ?? '')
}
