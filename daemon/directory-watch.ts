import { type FSWatcher, readdirSync, watch } from 'node:fs'
import { join } from 'node:path'
import type { DirectoryEntry } from './config/config.ts'
import { isSearched, isWanted } from './find-databases.ts'

const DEBOUNCE_MS = 250
/** The file system may lose events: look by itself so often. */
const REPAIR_MS = 60_000

/**
 * Tells, a quarter of a second after the last change, that databases of a folder may have come or gone. Writes to files
 * that are known are no news, nor are those to WAL, shared memory and journals.
 */
export class DirectoryWatch {
  readonly #entry: DirectoryEntry
  readonly #isKnown: (path: string) => boolean
  readonly #onChange: () => void
  readonly #watchers = new Map<string, FSWatcher>()
  readonly #repair: NodeJS.Timeout
  #pending: NodeJS.Timeout | undefined

  constructor(entry: DirectoryEntry, options: { isKnown: (path: string) => boolean; onChange: () => void }) {
    this.#entry = entry
    this.#isKnown = options.isKnown
    this.#onChange = options.onChange
    this.#repair = setInterval(() => this.#changed(), REPAIR_MS)
    this.#watch(entry.dir)
  }

  close(): void {
    clearInterval(this.#repair)
    clearTimeout(this.#pending)
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }

  #watch(dir: string): void {
    try {
      if (!this.#watchers.has(dir)) {
        const watcher = watch(dir, (event, name) => this.#heard(dir, event, name))
        watcher.on('error', () => this.#forget(dir))
        this.#watchers.set(dir, watcher)
      }
      if (!this.#entry.recursive) return
      for (const child of readdirSync(dir, { withFileTypes: true })) {
        if (child.isDirectory() && isSearched(child.name)) this.#watch(join(dir, child.name))
      }
    } catch {
      // Gone meanwhile, or no watching here: `REPAIR_MS` remains.
    }
  }

  #heard(dir: string, event: string, name: string | null): void {
    const path = join(dir, name ?? '')
    if (name === null) this.#changed()
    else if (isWanted(this.#entry, name)) {
      if (event === 'rename' || !this.#isKnown(path)) this.#changed()
    } else if (event === 'rename' && this.#entry.recursive && isSearched(name) && !/-(wal|shm|journal)$/.test(name)) {
      this.#forget(path)
      this.#changed()
    }
  }

  #changed(): void {
    this.#pending ??= setTimeout(() => {
      this.#pending = undefined
      this.#watch(this.#entry.dir) // folders that are new
      this.#onChange()
    }, DEBOUNCE_MS)
  }

  #forget(dir: string): void {
    this.#watchers.get(dir)?.close()
    this.#watchers.delete(dir)
  }
}
