import { type Replicator, replicatorNamed } from './replicator.ts'
import type { StoreKind } from './stores.ts'

/** Who writes a bucket, and who must be able to read it (facts 0: block frames need Litestream 0.5.16). */
export interface Pairing {
  readonly writer: string
  readonly readers: readonly string[]
}

const PAIRINGS: readonly Pairing[] = [
  { writer: 'litetap', readers: ['litestream-0.5.16', 'litetap'] },
  { writer: 'litetap-legacy', readers: ['litestream-0.5.15', 'litestream-0.5.16', 'litetap'] },
  { writer: 'litestream-0.5.16', readers: ['litestream-0.5.16', 'litetap'] },
  { writer: 'litestream-0.5.15', readers: ['litestream-0.5.15', 'litestream-0.5.16', 'litetap'] },
]

/** Names in `LITETAP_INTEROP` (comma-separated) narrow a run to those programs; for work on the suite itself. */
const ONLY = process.env.LITETAP_INTEROP?.split(',')
const wanted = (name: string) => ONLY === undefined || ONLY.includes(name)

/** The pairings of this run. */
export function pairings(): readonly Pairing[] {
  return PAIRINGS.filter(({ writer }) => wanted(writer)).map(({ writer, readers }) => ({
    writer,
    readers: readers.filter(wanted),
  }))
}

const BOTH_WAYS = [
  ['litestream-0.5.16', 'litetap'],
  ['litetap', 'litestream-0.5.16'],
] as const
const OTHER_HANDOVERS = [
  ['litestream-0.5.15', 'litetap-legacy'],
  ['litetap-legacy', 'litestream-0.5.15'],
  ['litetap', 'litetap'],
  ['litestream-0.5.16', 'litestream-0.5.16'],
] as const

/** Pairs whose two sides take turns on one database, metadata directory and bucket. */
export function handovers(kind: StoreKind): readonly (readonly [string, string])[] {
  const pairs = kind === 'file' ? [...BOTH_WAYS, ...OTHER_HANDOVERS] : BOTH_WAYS
  return pairs.filter((pair) => pair.every(wanted))
}

/** Programs that litetap takes over from. */
export function predecessors(): readonly string[] {
  return wanted('litetap') ? ['litestream-0.5.16', 'litestream-0.5.15', 'litetap'].filter(wanted) : []
}

export function named(names: readonly string[]): Promise<readonly Replicator[]> {
  return Promise.all(names.map(replicatorNamed))
}
