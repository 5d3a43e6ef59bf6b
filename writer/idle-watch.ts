import type { QuietWal } from './quiet-wal.ts'
import { WalWatcher } from './wal-watcher.ts'

/** A parked database that is watched over. */
export interface Watched {
  readonly walPath: string
  readonly quiet: QuietWal
  /** It may have changed, or its WAL was written to; it is watched no more. */
  readonly onChange: () => void
}

export interface IdleWatchOptions {
  /** Look at each database so often, in ms. Default 1000. */
  readonly intervalMs?: number
  /** The same where the file system tells of writes. Default ten times as much. */
  readonly watchedIntervalMs?: number
  /** Milliseconds since the Unix epoch. */
  readonly now?: () => number
}

const TICK_MS = 100

interface Entry extends Watched {
  readonly watcher: WalWatcher
  readonly ring: Ring
}

/**
 * Watches over any number of parked databases with one timer: wakes one when the file system tells of a write, and
 * besides looks at all of them in turn, a part at every tick, because it may not tell.
 */
export class IdleWatch {
  readonly #now: () => number
  /** Of whose writes the file system tells, and the others. */
  readonly #told: Ring
  readonly #untold: Ring
  readonly #entries = new Map<string, Entry>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: IdleWatchOptions = {}) {
    const { intervalMs = 1000, watchedIntervalMs = 10 * intervalMs } = options
    this.#now = options.now ?? Date.now
    this.#untold = new Ring(intervalMs)
    this.#told = new Ring(watchedIntervalMs)
  }

  /** How many are watched over. */
  get size(): number {
    return this.#entries.size
  }

  add(watched: Watched): void {
    this.remove(watched.walPath)
    const watcher = new WalWatcher(watched.walPath, () => this.#change(entry))
    const ring = watcher.arm() ? this.#told : this.#untold
    const entry: Entry = { ...watched, watcher, ring }
    this.#entries.set(watched.walPath, entry)
    ring.add(entry)
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS)
    // What was written before the watcher was armed is not told.
    if (!watched.quiet.isUnchanged(this.#now())) this.#change(entry)
  }

  remove(walPath: string): void {
    const entry = this.#entries.get(walPath)
    if (!entry) return
    entry.watcher.disarm()
    entry.ring.delete(entry)
    this.#entries.delete(walPath)
    if (this.#entries.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #change(entry: Entry): void {
    if (this.#entries.get(entry.walPath) !== entry) return
    this.remove(entry.walPath)
    entry.onChange()
  }

  #tick(): void {
    const nowMs = this.#now()
    for (const entry of [...this.#untold.next(), ...this.#told.next()]) {
      if (!entry.quiet.isUnchanged(nowMs)) this.#change(entry)
    }
  }
}

/** Entries that get their turn one after another, each once per interval. */
class Ring {
  readonly #intervalMs: number
  /** Whose turn is next comes first. */
  readonly #entries = new Set<Entry>()
  #share = 0

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs
  }

  add(entry: Entry): void {
    this.#entries.add(entry)
  }

  delete(entry: Entry): void {
    this.#entries.delete(entry)
  }

  /** The entries of one tick; they go to the end. */
  next(): Entry[] {
    this.#share = Math.min(this.#share + (this.#entries.size * TICK_MS) / this.#intervalMs, this.#entries.size)
    const turn: Entry[] = []
    for (const entry of this.#entries) {
      if (this.#share < 1) break
      this.#share--
      turn.push(entry)
    }
    for (const entry of turn) {
      this.#entries.delete(entry)
      this.#entries.add(entry)
    }
    return turn
  }
}
