import type { V3FileInfo } from '../../storage/index.ts'
import { WriterError } from '../errors.ts'

/** A restore from a v0.3 backup. */
export interface V3Plan {
  readonly snapshot: V3FileInfo
  /** Pieces of WALs in the order they are applied: from the snapshot's index on, each WAL from its front. */
  readonly segments: readonly V3FileInfo[]
}

/**
 * Plan a restore: the newest snapshot of all generations, and every WAL of its generation from there on.
 *
 * @param files as listed, in any order
 * @param timestamp only what was stored up to this time counts; ms since the Unix epoch
 * @returns undefined when no snapshot is left
 * @throws WriterError WRITER_GAP when a WAL, or the front of one, is missing between two that are there
 * @see facts 6.7; litestream 63225f1 replica.go RestoreV3
 */
export function planV3Restore(files: readonly V3FileInfo[], timestamp = Infinity): V3Plan | undefined {
  const eligible = files.filter(({ createdAt }) => createdAt <= timestamp)
  const snapshot = newestSnapshot(eligible)
  if (snapshot === undefined) return undefined
  const { generation, index } = snapshot
  const segments = eligible
    .filter((file) => file.kind === 'wal' && file.generation === generation && file.index >= index)
    .sort((a, b) => a.index - b.index || a.offset - b.offset)
  checkChain(snapshot, segments)
  return { snapshot, segments }
}

/** The newest snapshot by its time; of several of one time the last by generation and index. */
export function newestSnapshot(files: readonly V3FileInfo[]): V3FileInfo | undefined {
  let newest: V3FileInfo | undefined
  for (const file of files) {
    if (file.kind === 'snapshot' && (newest === undefined || isNewer(file, newest))) newest = file
  }
  return newest
}

function isNewer(a: V3FileInfo, b: V3FileInfo): boolean {
  if (a.createdAt !== b.createdAt) return a.createdAt > b.createdAt
  return a.generation === b.generation ? a.index > b.index : a.generation > b.generation
}

/** WALs follow one another from the snapshot's on. Where a piece ends is known only once it is decompressed. */
function checkChain({ generation, index }: V3FileInfo, segments: readonly V3FileInfo[]): void {
  let expected = index
  let last: V3FileInfo | undefined
  for (const segment of segments) {
    if (segment.index === last?.index) {
      last = segment
      continue
    }
    if (segment.index !== expected || segment.offset !== 0) {
      const missing = segment.index === expected ? `the front of WAL ${hex8(expected)}` : `WAL ${hex8(expected)}`
      throw gap(generation, `${missing} is missing before ${hex8(segment.index)}/${hex8(segment.offset)}`)
    }
    expected++
    last = segment
  }
}

/** What lacks in a generation, as an error. */
export function gap(generation: string, what: string): WriterError {
  return new WriterError('WRITER_GAP', `Cannot restore v0.3 generation ${generation}: ${what}`, {
    hint: 'Restore a state from before it with a timestamp.',
  })
}

/** 8 hex digits, as v0.3 names WALs and offsets. */
export function hex8(value: number): string {
  return value.toString(16).padStart(8, '0')
}
