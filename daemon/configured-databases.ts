import type { Config, DatabaseEntry, DirectoryEntry } from './config/config.ts'
import { directoryDatabase } from './directory-databases.ts'
import { findDatabases, isSearched, isWanted, relativeTo } from './find-databases.ts'

/**
 * All databases of a configuration as they stand now, each once: those in its folders as entries of their own, but for
 * those that are named besides.
 *
 * @param ours nobody else in this process opens them; see `holdFile`
 * @param unreadable hears of a folder that cannot be read, instead of its being thrown
 * @throws DaemonError DAEMON_CONFIG when a folder cannot be read
 */
export async function configuredDatabases(
  config: Pick<Config, 'databases'>,
  ours: boolean,
  unreadable?: (error: unknown) => void,
): Promise<DatabaseEntry[]> {
  const found = new Map<string, DatabaseEntry>()
  for (const entry of config.databases) {
    if (entry.kind === 'database') found.set(entry.path, entry)
    else {
      const inFolder = await folderDatabases(entry, ours).catch((error: unknown) => {
        if (!unreadable) throw error
        unreadable(error)
        return []
      })
      for (const { path } of inFolder) found.set(path, configuredDatabase(config, path)!)
    }
  }
  return [...found.values()]
}

/** Those in one folder. @throws DaemonError DAEMON_CONFIG when it cannot be read */
export async function folderDatabases(entry: DirectoryEntry, ours: boolean): Promise<DatabaseEntry[]> {
  return (await findDatabases(entry, ours)).map((path) => directoryDatabase(entry, path))
}

/** What a configuration says of the database at an absolute path, whether or not there is one yet. */
export function configuredDatabase({ databases }: Pick<Config, 'databases'>, path: string): DatabaseEntry | undefined {
  for (const entry of databases) if (entry.kind === 'database' && entry.path === path) return entry
  for (const entry of databases) {
    if (entry.kind === 'directory' && belongsTo(entry, path)) return directoryDatabase(entry, path)
  }
  return undefined
}

function belongsTo(entry: DirectoryEntry, path: string): boolean {
  const folders = relativeTo(entry.dir, path).split('/')
  const name = folders.pop()!
  if (name === '' || folders[0] === '..') return false
  return isWanted(entry, name) && (folders.length === 0 || (entry.recursive && folders.every(isSearched)))
}
