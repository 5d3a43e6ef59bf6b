import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** Of the tables and of what stands in them. Every version has files of its own, so that two may run side by side. */
export const FORMAT_VERSION = 1

const NAME = /^pages-(\d{1,6})-(\d{1,10})\.db(-wal|-shm|-journal)?$/

/**
 * The folder of one cache. Its database is the file of the highest generation. To begin anew is to create the next
 * generation and to unlink the last one, never to put another file under a name in use: SQLite opens a `-wal` by its
 * name, so a process that still has the old database would mix it with the new one's. Unlinked, it simply goes on with
 * what it has open until it looks whether its file is still there.
 */
export class CacheFolder {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** Make the folder and those above it where they are missing. Its pages are a database's: nobody else may look. */
  make(): void {
    makeFolder(resolve(this.path))
  }

  fileOf(generation: number): string {
    return join(this.path, `pages-${FORMAT_VERSION}-${generation}.db`)
  }

  /** The highest generation there is, or 0. */
  newest(): number {
    let newest = 0
    for (const name of readdirSync(this.path)) {
      const [, version, generation, suffix] = NAME.exec(name) ?? []
      if (Number(version) === FORMAT_VERSION && suffix === undefined) newest = Math.max(newest, Number(generation))
    }
    return newest
  }

  /** Unlink earlier generations, and all of earlier versions. What cannot be unlinked stays for another time. */
  removeBefore(generation: number): void {
    for (const name of readdirSync(this.path)) {
      const found = NAME.exec(name)
      if (found === null) continue
      const version = Number(found[1])
      const stale = version < FORMAT_VERSION || (version === FORMAT_VERSION && Number(found[2]) < generation)
      if (!stale) continue
      try {
        rmSync(join(this.path, name), { force: true })
      } catch {
        // Windows, and a process has it open.
      }
    }
  }

  /** What tells one file from another under the same name; undefined when it is not there. Opens nothing. */
  identity(generation: number): string | undefined {
    const stat = statSync(this.fileOf(generation), { bigint: true, throwIfNoEntry: false })
    return stat && `${stat.dev}:${stat.ino}`
  }
}

/** Not `recursive: true`: Node 26.10 never comes back from that where an existing folder says ENOENT, as /proc does. */
function makeFolder(path: string): void {
  if (existsSync(path)) return
  if (!existsSync(dirname(path))) makeFolder(dirname(path))
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error // another process was faster
  }
}
