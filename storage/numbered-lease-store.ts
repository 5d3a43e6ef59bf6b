import { StorageError } from './errors.ts'
import type { LeaseStore } from './types.ts'

/** A folder in which files can be made exclusively. Absence is a value, failure is a StorageError. */
export interface LeaseFolder {
  /** For people, and where errors are. */
  readonly name: string
  /** Names in the folder; none if there is no such folder. */
  names(signal: AbortSignal | undefined): Promise<string[]>
  /** A file's bytes; undefined if it is gone. */
  read(name: string, signal: AbortSignal | undefined): Promise<Uint8Array | undefined>
  /**
   * Make a file: whole, durable, and only if nobody has that name.
   * @throws StorageError STORAGE_PRECONDITION_FAILED if somebody has; STORAGE_NO_CONDITIONAL_WRITES if that cannot be had
   */
  create(name: string, body: Uint8Array, signal: AbortSignal | undefined): Promise<void>
  /** Remove a file. Must not fail. */
  remove(name: string): Promise<void>
}

/**
 * A lease on a file system, without locks: every version is a new file `<number>.json`, made exclusively.
 *
 * The highest number is the current version; an empty file says that there is no lease. Whoever makes number n+1
 * first has replaced version n. Older files are cleaned up afterwards, so a very late writer could make a number that
 * was used and removed: it then sees a higher one beside its own and knows that it lost. The highest number only
 * grows and is never removed, hence a crash at any point leaves either the old or the new version.
 */
export class NumberedLeaseStore implements LeaseStore {
  readonly #folder: LeaseFolder

  constructor(folder: LeaseFolder) {
    this.#folder = folder
  }

  async get(signal?: AbortSignal): Promise<{ body: Uint8Array; version: string } | undefined> {
    for (;;) {
      signal?.throwIfAborted()
      const newest = (await this.#numbers(signal)).at(-1)
      if (newest === undefined) return undefined
      const body = await this.#folder.read(nameOf(newest), signal)
      if (body) return body.length === 0 ? undefined : { body, version: String(newest) }
      // A newer version replaced it between listing and reading.
    }
  }

  async put(body: Uint8Array, version: string | undefined, signal?: AbortSignal): Promise<string> {
    const newest = (await this.#numbers(signal)).at(-1) ?? 0
    if (version === undefined) {
      if (newest > 0 && (await this.get(signal))) throw this.#lost()
    } else if (Number(version) !== newest) throw this.#lost()
    return String(await this.#append(body, newest, signal))
  }

  async delete(version: string, signal?: AbortSignal): Promise<void> {
    const current = await this.get(signal)
    if (!current) return
    if (current.version !== version) throw this.#lost()
    await this.#append(new Uint8Array(0), Number(version), signal)
  }

  async #append(body: Uint8Array, newest: number, signal: AbortSignal | undefined): Promise<number> {
    signal?.throwIfAborted()
    const number = newest + 1
    await this.#folder.create(nameOf(number), body, signal)
    const numbers = await this.#numbers(signal)
    if (numbers.at(-1) !== number) {
      await this.#folder.remove(nameOf(number))
      throw this.#lost()
    }
    for (const old of numbers.slice(0, -1)) await this.#folder.remove(nameOf(old))
    return number
  }

  /** Numbers in use, ascending. */
  async #numbers(signal: AbortSignal | undefined): Promise<number[]> {
    const names = await this.#folder.names(signal)
    return names
      .flatMap((name) => /^(\d{16})\.json$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b)
  }

  #lost(): StorageError {
    const { name } = this.#folder
    return new StorageError('STORAGE_PRECONDITION_FAILED', `The lease in ${name} was changed by somebody else`, {
      at: { key: name },
    })
  }
}

function nameOf(number: number): string {
  return `${String(number).padStart(16, '0')}.json`
}
