import { readdir, stat } from 'node:fs/promises'
import type { ByteStream, OpenOptions } from '../types.ts'
import { parseV3Key, type V3File, type V3FileInfo, type V3Store, v3Folder, v3Key } from '../v3.ts'
import { fileError, hasCode } from './file-error.ts'
import { readFile } from './read-file.ts'

/** A v0.3 backup in a replica's folder. */
export class FileV3Store implements V3Store {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  async *list(signal?: AbortSignal): AsyncIterable<V3FileInfo> {
    const root = v3Folder(this.#path)
    for (const generation of await names(root)) {
      for (const kind of ['snapshots', 'wal']) {
        for (const name of await names(`${root}/${generation}/${kind}`)) {
          signal?.throwIfAborted()
          const file = parseV3Key(`${generation}/${kind}/${name}`)
          const info = file && (await infoOf(file, `${root}/${generation}/${kind}/${name}`))
          if (info) yield info
        }
      }
    }
  }

  async open(file: V3File, options: OpenOptions = {}): Promise<ByteStream | undefined> {
    options.signal?.throwIfAborted()
    return await readFile(v3Key(this.#path, file), options)
  }
}

/** Names in a folder; none where there is no such folder. */
async function names(dir: string): Promise<string[]> {
  try {
    return await readdir(dir)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
    throw fileError(error, 'read folder', dir)
  }
}

async function infoOf(file: V3File, path: string): Promise<V3FileInfo | undefined> {
  try {
    const { size, mtimeMs } = await stat(path)
    return { ...file, size, createdAt: mtimeMs }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw fileError(error, 'look at', path)
  }
}
