import { MAX_TXID, SNAPSHOT_LEVEL } from '../ltx/index.ts'
import type { LtxFileInfo } from './types.ts'

/** What a Date can hold: ms before and after the Unix epoch. */
const MAX_TIME_MS = 8.64e15

/**
 * What no LTX file can have that a catalog or a listing says one has.
 * @returns a word; undefined for one that can be
 */
export function fileInfoFault({ level, minTXID, maxTXID, size, createdAt }: LtxFileInfo): string | undefined {
  if (!isWhole(level) || level > SNAPSHOT_LEVEL) return 'level'
  if (minTXID < 1n || minTXID > maxTXID || maxTXID > MAX_TXID) return 'TXIDs'
  if (!isWhole(size)) return 'size'
  return Math.abs(createdAt) <= MAX_TIME_MS ? undefined : 'time'
}

function isWhole(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
