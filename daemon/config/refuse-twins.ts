import { join } from 'node:path'
import type { DatabaseEntry, DirectoryEntry } from './config.ts'
import type { Mistakes, Span } from './mistakes.ts'
import { replicaPlace } from './replica-backends.ts'

/** An entry of `dbs` and where its parts stand. */
export interface PlacedEntry {
  readonly entry: DatabaseEntry | DirectoryEntry
  /** Of the entry, for messages. */
  readonly name: string
  readonly pathSpan: Span
  readonly replicaSpan: Span
}

/** Two writers of one database, of one replica or of one folder of local state would damage it. */
export function refuseTwins(entries: readonly PlacedEntry[], mistakes: Mistakes): void {
  const refuse = twinFinder(mistakes)
  for (const { entry, name, pathSpan, replicaSpan } of entries) {
    const path = entry.kind === 'database' ? entry.path : join(entry.dir, entry.pattern)
    refuse(path, pathSpan, (place) => `${name}: ${path} is there twice, first at ${place}`)
    // Databases of folders have replicas below theirs, by their relative path.
    if (entry.kind === 'directory') continue
    const replica = replicaPlace(entry.replica)
    refuse(
      replica,
      replicaSpan,
      (place) => `${name}: another database has the same replica, at ${place}; each needs its own`,
    )
    if (entry.metaPath === undefined) continue
    const { metaPath } = entry
    refuse(
      `meta ${metaPath}`,
      pathSpan,
      (place) => `${name}: another database has the same meta-path, ${metaPath}, at ${place}`,
    )
  }
}

function twinFinder(mistakes: Mistakes): (key: string, span: Span, message: (place: string) => string) => void {
  const seen = new Map<string, Span>()
  return (key, span, message) => {
    const first = seen.get(key)
    if (first) mistakes.add(span, message(mistakes.place(first)))
    else seen.set(key, span)
  }
}
