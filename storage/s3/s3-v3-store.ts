import { StorageError } from '../errors.ts'
import { MAX_FILES } from '../limits.ts'
import type { ByteStream, OpenOptions } from '../types.ts'
import { parseV3Key, type V3File, type V3FileInfo, type V3Store, v3Folder, v3Key } from '../v3.ts'
import type { S3Connection } from './connection.ts'
import { listPages } from './list.ts'
import { readObject } from './read.ts'

/** Pieces of WALs, one a second: more than a month of them. */
const MAX_V3_FILES = 3 * MAX_FILES

/** A v0.3 backup below a replica's prefix. */
export class S3V3Store implements V3Store {
  readonly #connection: S3Connection

  constructor(connection: S3Connection) {
    this.#connection = connection
  }

  async *list(signal?: AbortSignal): AsyncIterable<V3FileInfo> {
    const prefix = `${v3Folder(this.#connection.settings.path)}/`
    let count = 0
    for await (const page of listPages(this.#connection, { prefix, signal })) {
      count += page.length
      if (count > MAX_V3_FILES) throw tooMany(`s3://${this.#connection.settings.bucket}/${prefix}`, prefix)
      for (const { key, size, lastModified } of page) {
        const file = parseV3Key(key.slice(prefix.length))
        if (file) yield { ...file, size, createdAt: lastModified }
      }
    }
  }

  open(file: V3File, options: OpenOptions = {}): Promise<ByteStream | undefined> {
    return readObject(this.#connection, v3Key(this.#connection.settings.path, file), options)
  }
}

function tooMany(name: string, key: string): StorageError {
  const message = `Cannot list ${name}: it has more than ${MAX_V3_FILES} objects; delete what is left of Litestream v0.3 there`
  return new StorageError('STORAGE_TOO_LARGE', message, { at: { key } })
}
