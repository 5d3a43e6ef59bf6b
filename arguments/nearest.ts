/** The candidate that differs least from a word, if it is close enough to be meant. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replace(/[-_]/g, '')
  const scored = candidates.map((candidate) => ({ candidate, cost: distance(plain(word), plain(candidate)) }))
  const best = scored.sort((a, b) => a.cost - b.cost)[0]
  return best && best.cost <= Math.max(1, Math.floor(word.length / 3)) ? best.candidate : undefined
}

/** Letters to change, add, leave out or exchange with their neighbour. */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, index) => index)]
  for (let i = 1; i <= a.length; i++) {
    const last = rows[i - 1]!
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const costs = [last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1), last[j]! + 1, row[j - 1]! + 1]
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) costs.push(rows[i - 2]![j - 2]! + 1)
      row.push(Math.min(...costs))
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}
