import type { LtxFileInfo } from '../../storage/index.ts'

/** One file: `[min, max]` or `[min, max, createdAt]`. */
export type Spec = readonly [min: number, max: number, createdAt?: number]

/** Ten levels from `{ 9: [[1, 5]], 0: [[6, 6]] }`; each sorted by name, as a listing is. */
export function levelsOf(specs: Record<number, readonly Spec[]>): LtxFileInfo[][] {
  return Array.from({ length: 10 }, (_, level) =>
    (specs[level] ?? [])
      .map(([min, max, createdAt = 1000]) => ({
        level,
        minTXID: BigInt(min),
        maxTXID: BigInt(max),
        size: 1000,
        createdAt,
      }))
      .sort((a, b) => Number(a.minTXID - b.minTXID) || Number(a.maxTXID - b.maxTXID)),
  )
}

/** `9:1-5` for every file. */
export function names(files: readonly LtxFileInfo[]): string[] {
  return files.map((file) => `${file.level}:${file.minTXID}-${file.maxTXID}`)
}
