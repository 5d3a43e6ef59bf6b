import { unlink } from 'node:fs/promises'
import { joinPath } from '../keys.ts'
import { PROBE_FOLDER, type StoreProbe } from '../probe.ts'
import type { ByteStream, OpenOptions } from '../types.ts'
import { type FileModes, writeDurable } from './durable.ts'
import { fileError, hasCode } from './file-error.ts'
import { readFile } from './read-file.ts'

/** Small files in `<path>/litetap/`. */
export class FileProbe implements StoreProbe {
  readonly #path: string
  readonly #modes: FileModes

  constructor(path: string, modes: FileModes) {
    this.#path = path
    this.#modes = modes
  }

  async put(name: string, body: Uint8Array, options: { exclusive: boolean; signal?: AbortSignal }): Promise<void> {
    const path = this.#file(name)
    try {
      await writeDurable(path, body, { ...this.#modes, ...options })
    } catch (error) {
      throw fileError(error, 'write', path)
    }
  }

  get(name: string, options: OpenOptions = {}): Promise<ByteStream | undefined> {
    return readFile(this.#file(name), options)
  }

  async delete(name: string): Promise<void> {
    const path = this.#file(name)
    await unlink(path).catch((error) => {
      if (!hasCode(error, 'ENOENT')) throw fileError(error, 'delete', path)
    })
  }

  #file(name: string): string {
    return joinPath(this.#path, PROBE_FOLDER, name)
  }
}
