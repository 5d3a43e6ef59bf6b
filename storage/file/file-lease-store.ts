import { readdir, readFile, unlink } from 'node:fs/promises'
import { StorageError } from '../errors.ts'
import { joinPath } from '../keys.ts'
import type { LeaseStore } from '../types.ts'
import { type FileModes, writeDurable } from './durable.ts'
import { fileError, hasCode } from './file-error.ts'

/**
 * A lease on a file system, without locks: every version is a new file `<path>/lock/<number>.json`, made exclusively.
 *
 * The highest number is the current version; an empty file says that there is no lease. Whoever makes number n+1
 * first has replaced version n. Older files are cleaned up afterwards, so a very late writer could make a number that
 * was used and removed: it then sees a higher one beside its own and knows that it lost. The highest number only
 * grows and is never removed, hence a crash at any point leaves either the old or the new version.
 */
export class FileLeaseStore implements LeaseStore {
  readonly #dir: string
  readonly #modes: FileModes

  constructor(path: string, modes: FileModes) {
    this.#dir = joinPath(path, 'lock')
    this.#modes = modes
  }

  async get(signal?: AbortSignal): Promise<{ body: Uint8Array; version: string } | undefined> {
    for (;;) {
      signal?.throwIfAborted()
      const newest = (await this.#numbers()).at(-1)
      if (newest === undefined) return undefined
      const body = await readFile(this.#file(newest)).catch((error) => {
        if (hasCode(error, 'ENOENT')) return undefined
        throw fileError(error, 'read lease', this.#file(newest))
      })
      if (body) return body.length === 0 ? undefined : { body: new Uint8Array(body), version: String(newest) }
      // A newer version replaced it between listing and reading.
    }
  }

  async put(body: Uint8Array, version: string | undefined, signal?: AbortSignal): Promise<string> {
    const numbers = await this.#numbers()
    const newest = numbers.at(-1) ?? 0
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
    const path = this.#file(number)
    const { atomic } = await writeDurable(path, body, { ...this.#modes, exclusive: true, signal }).catch((error) => {
      throw fileError(error, 'write lease', path)
    })
    if (!atomic) {
      await unlink(path)
      const message = `Cannot hold a lease in ${this.#dir}: its file system has no hard links`
      throw new StorageError('STORAGE_NO_CONDITIONAL_WRITES', message, { at: { key: path } })
    }
    const numbers = await this.#numbers()
    if (numbers.at(-1) !== number) {
      await unlink(path).catch(() => {})
      throw this.#lost()
    }
    for (const old of numbers.slice(0, -1)) await unlink(this.#file(old)).catch(() => {})
    return number
  }

  /** Numbers in use, ascending. */
  async #numbers(): Promise<number[]> {
    const names = await readdir(this.#dir).catch((error) => {
      if (hasCode(error, 'ENOENT')) return []
      throw fileError(error, 'read lease folder', this.#dir)
    })
    return names
      .flatMap((name) => /^(\d{16})\.json$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b)
  }

  #file(number: number): string {
    return `${this.#dir}/${String(number).padStart(16, '0')}.json`
  }

  #lost(): StorageError {
    return new StorageError('STORAGE_PRECONDITION_FAILED', `The lease in ${this.#dir} was changed by somebody else`, {
      at: { key: this.#dir },
    })
  }
}
