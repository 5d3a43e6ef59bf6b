import type { LtxFileInfo, TXID } from '../../../entry/web.ts'

/** A state that a backup can show. */
export interface Moment {
  readonly txid: TXID
  /** When its last transaction was made: milliseconds since the Unix epoch. */
  readonly timestamp: number
  /** The smallest file that ends there: what was written since the moment before, about. */
  readonly file: LtxFileInfo
}

/**
 * All states that can be travelled to, oldest first: those at whose TXID a chain of files from TXID 1 on ends.
 * @param files of all levels, in any order
 */
export function momentsOf(files: readonly LtxFileInfo[]): Moment[] {
  const byEnd = new Map<TXID, LtxFileInfo[]>()
  for (const file of files) {
    const ending = byEnd.get(file.maxTXID)
    if (ending) ending.push(file)
    else byEnd.set(file.maxTXID, [file])
  }
  const moments: Moment[] = []
  let previous: TXID | undefined
  for (const txid of [...byEnd.keys()].sort((a, b) => (a < b ? -1 : 1))) {
    const ending = byEnd.get(txid)!
    // What continues an earlier moment continues the one before this, too, or begins behind it.
    const reached = previous
    const reachable = ending.some(({ minTXID }) => minTXID === 1n || (reached !== undefined && minTXID <= reached + 1n))
    if (!reachable) continue
    const file = ending.reduce((a, b) =>
      b.minTXID > a.minTXID || (b.minTXID === a.minTXID && b.level < a.level) ? b : a,
    )
    moments.push({ txid, timestamp: file.createdAt, file })
    previous = txid
  }
  return moments
}

/** The moment at a TXID, or the last one before it; undefined before the first. */
export function momentAt(moments: readonly Moment[], txid: TXID): Moment | undefined {
  return moments.findLast((moment) => moment.txid <= txid)
}

/**
 * The files that say what has changed between two moments: a chain from one to the other, of as few surplus
 * transactions as the files allow (a compacted file may begin before the first moment).
 * @returns undefined where there is no such chain
 */
export function filesBetween(files: readonly LtxFileInfo[], from: TXID, to: TXID): LtxFileInfo[] | undefined {
  const chain: LtxFileInfo[] = []
  for (let reached = from; reached < to; ) {
    let best: LtxFileInfo | undefined
    for (const file of files) {
      if (file.minTXID > reached + 1n || file.maxTXID <= reached || file.maxTXID > to) continue
      if (best === undefined || isTighter(file, best, reached)) best = file
    }
    if (best === undefined) return undefined
    chain.push(best)
    reached = best.maxTXID
  }
  return chain
}

function isTighter(a: LtxFileInfo, b: LtxFileInfo, reached: TXID): boolean {
  const [exactA, exactB] = [a.minTXID === reached + 1n, b.minTXID === reached + 1n]
  if (exactA !== exactB) return exactA
  return exactA ? a.maxTXID > b.maxTXID : a.minTXID > b.minTXID
}
