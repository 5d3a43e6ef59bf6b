import type { Scalar } from './scalar.ts'

/** A transaction ID: 1..2^64-1. One per LTX file at level 0, not one per SQL transaction (facts 0). */
export type TXID = Scalar<bigint, 'TXID'>

/** The largest TXID. */
export const MAX_TXID: TXID = 0xffff_ffff_ffff_ffffn

/** 16 lower-case hex digits, as everywhere in Litestream. */
export function formatTXID(txid: TXID): string {
  return txid.toString(16).padStart(16, '0')
}

/** The reverse of `formatTXID`; undefined for anything but exactly 16 lower-case hex digits. */
export function parseTXID(text: string): TXID | undefined {
  return /^[0-9a-f]{16}$/.test(text) ? BigInt(`0x${text}`) : undefined
}
