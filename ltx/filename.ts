import type { TXID } from './txid.ts'
import { formatTXID } from './txid.ts'

/** `<min>-<max>.ltx`, each TXID as 16 lower-case hex digits (facts 1.8). */
export function formatFilename(minTXID: TXID, maxTXID: TXID): string {
  return `${formatTXID(minTXID)}-${formatTXID(maxTXID)}.ltx`
}

/** The TXIDs in an LTX file's name (no directory); undefined for any other name, which every client ignores. */
export function parseFilename(name: string): { minTXID: TXID; maxTXID: TXID } | undefined {
  const match = /^([0-9a-f]{16})-([0-9a-f]{16})\.ltx$/.exec(name)
  if (!match) return undefined
  return { minTXID: BigInt(`0x${match[1]}`), maxTXID: BigInt(`0x${match[2]}`) }
}
