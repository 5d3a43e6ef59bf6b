/** A write to the WAL is looked at after so long, in ms, when the transaction it belongs to is usually complete. */
export const SETTLE_MS = 2

export interface SettleFacts {
  /** Did the last look find anything committed? */
  readonly copied: boolean
  /** Had the WAL been written to before it? */
  readonly written: boolean
  readonly maxMs: number
}

/**
 * How long to wait between a write to the WAL and the look at it. A look that finds nothing though something was
 * written met a long transaction, and looking at all of that again and again is work for nothing: wait twice as long.
 */
export function nextSettleMs(settleMs: number, { copied, written, maxMs }: SettleFacts): number {
  return written && !copied ? Math.min(settleMs * 2, maxMs) : SETTLE_MS
}
