import { basename, dirname, join } from 'node:path'
import { metaPath } from '../writer/index.ts'
import { belowReplica } from './below-replica.ts'
import type { DatabaseEntry, DirectoryEntry } from './config/config.ts'
import { DaemonError } from './errors.ts'
import { relativeTo } from './find-databases.ts'

/** A database of a folder as if it had an entry of its own: where its replica and its local state are (facts 8.6). */
export function directoryDatabase(entry: DirectoryEntry, path: string): DatabaseEntry {
  const relative = relativeTo(entry.dir, path)
  return {
    kind: 'database',
    path,
    replica: belowReplica(entry.replica, relative),
    settings: entry.settings,
    restoreIfMissing: false,
    metaPath: metaPathOf(entry, path, relative),
    folder: entry,
  }
}

function metaPathOf(entry: DirectoryEntry, path: string, relative: string): string {
  if (entry.metaDir !== undefined) return join(entry.metaDir, `${relative}-litestream`)
  if (entry.metaPath !== undefined) return join(entry.metaPath, dirname(relative), `.${basename(relative)}-litestream`)
  return metaPath(path)
}

/** @throws DaemonError DAEMON_CONFIG when two databases would keep their local state in one place */
export function checkMetaPaths(entries: readonly DatabaseEntry[]): void {
  const owners = new Map<string, string>()
  for (const entry of entries) {
    const meta = entry.metaPath ?? metaPath(entry.path)
    const owner = owners.get(meta)
    if (owner !== undefined && owner !== entry.path) throw collision(meta, owner, entry.path)
    owners.set(meta, entry.path)
  }
}

function collision(meta: string, first: string, second: string): DaemonError {
  return new DaemonError('DAEMON_CONFIG', `Both ${first} and ${second} would keep their local state in ${meta}`, {
    at: { path: second },
    hint: 'Give one of them another meta-path or meta-dir.',
  })
}
