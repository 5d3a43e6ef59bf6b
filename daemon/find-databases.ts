import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, matchesGlob, relative, sep } from 'node:path'
import { isDatabaseFile } from '../writer/index.ts'
import type { DirectoryEntry } from './config/config.ts'
import { DaemonError } from './errors.ts'

/** Files beside a database that are none themselves. */
const COMPANION = /-(wal|shm|journal)$/

/** Whether a file's name is one that the entry is about. */
export function isWanted({ pattern }: Pick<DirectoryEntry, 'pattern'>, name: string): boolean {
  return !COMPANION.test(name) && matchesGlob(name, pattern)
}

/** Whether a folder below a `dir` is looked into: not Litestream's own local state. */
export function isSearched(name: string): boolean {
  return !name.endsWith('-litestream')
}

/**
 * Absolute paths of the databases in a folder, in order: files whose name matches and that begin as SQLite's do.
 *
 * @param ours nobody else in this process opens them; see `holdFile`
 * @throws DaemonError DAEMON_CONFIG when the folder cannot be read
 * @see facts 8.6
 */
export async function findDatabases(
  entry: Pick<DirectoryEntry, 'dir' | 'pattern' | 'recursive'>,
  ours: boolean,
): Promise<string[]> {
  const found: string[] = []
  const visit = async (dir: string): Promise<void> => {
    for (const child of await readFolder(dir, dir === entry.dir)) {
      const path = join(dir, child.name)
      if (child.isDirectory()) {
        if (entry.recursive && isSearched(child.name)) await visit(path)
      } else if (isWanted(entry, child.name) && isDatabaseFile(path, ours)) found.push(path)
    }
  }
  await visit(entry.dir)
  return found.sort()
}

/** Path of a database below the entry's folder, with forward slashes. */
export function relativeTo(dir: string, path: string): string {
  return relative(dir, path).split(sep).join('/')
}

async function readFolder(dir: string, isRoot: boolean): Promise<Dirent[]> {
  try {
    return await readdir(dir, { withFileTypes: true })
  } catch (error) {
    if (!isRoot && (error as NodeJS.ErrnoException).code === 'ENOENT') return [] // gone meanwhile
    throw new DaemonError('DAEMON_CONFIG', `Cannot read the folder ${dir}: ${(error as Error).message}`, {
      at: { path: dir },
      cause: error,
      hint: 'Check "dir" in the configuration, and that this user may read it.',
    })
  }
}
