import type { ByteStream, OpenOptions } from '../types.ts'
import { parseV3Key, type V3File, type V3FileInfo, type V3Store, v3Folder, v3Key } from '../v3.ts'
import type { S3Connection } from './connection.ts'
import { listPages } from './list.ts'
import { readObject } from './read.ts'

/** A v0.3 backup below a replica's prefix. */
export class S3V3Store implements V3Store {
  readonly #connection: S3Connection

  constructor(connection: S3Connection) {
    this.#connection = connection
  }

  async *list(signal?: AbortSignal): AsyncIterable<V3FileInfo> {
    const prefix = `${v3Folder(this.#connection.settings.path)}/`
    for await (const page of listPages(this.#connection, { prefix, signal })) {
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
