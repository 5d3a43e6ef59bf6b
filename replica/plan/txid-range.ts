import type { TXID } from '../../ltx/index.ts'
import type { LtxFileName } from '../../storage/index.ts'

/** The lowest TXID that files begin with; 0 when there are none. */
export function lowestTXID(files: readonly LtxFileName[]): TXID {
  let lowest: TXID | undefined
  for (const { minTXID } of files) if (lowest === undefined || minTXID < lowest) lowest = minTXID
  return lowest ?? 0n
}

/** The highest TXID that files reach; 0 when there are none. */
export function highestTXID(files: readonly LtxFileName[]): TXID {
  let highest: TXID = 0n
  for (const { maxTXID } of files) if (maxTXID > highest) highest = maxTXID
  return highest
}
