import { statSync } from 'node:fs'
import type { PrimaryDatabase } from './database.ts'
import { PageBuffers, PageReader } from './page-reader.ts'
import type { WalSalts } from './wal.ts'
import { WalFile } from './wal-file.ts'

/** An open primary database, its WAL, and what is known of the two as long as they stay the same. */
export class Attachment {
  readonly database: PrimaryDatabase
  /** @see SyncFacts.sealed */
  sealed = false
  /** Nothing was copied yet since it was parked. */
  resumed = false
  #buffers: PageBuffers | undefined
  #wal: WalFile | undefined

  constructor(database: PrimaryDatabase) {
    this.database = database
  }

  /** For copying so many pages, one file at a time. A snapshot, which streams beside that, brings its own. */
  buffersFor(pages: number): PageBuffers {
    if (!this.#buffers?.suffice(pages)) this.#buffers = new PageBuffers(this.database.pageSize, pages)
    return this.#buffers!
  }

  /** Keep only the pinned reader, and no memory, until `resume`. */
  suspend(): void {
    this.#wal?.close()
    this.#wal = undefined
    this.#buffers = undefined
    this.database.suspend()
  }

  resume(): Promise<void> {
    return this.database.resume()
  }

  /** The WAL that stands beside the database now; undefined when there is none. */
  openWal(): WalFile | undefined {
    const path = `${this.database.path}-wal`
    const inode = statSync(path, { throwIfNoEntry: false })?.ino
    if (this.#wal && this.#wal.inode() === inode) return this.#wal
    this.#wal?.close()
    this.#wal = WalFile.open(path)
    return this.#wal
  }

  /** Pin a snapshot if none is pinned. What happened in between is unknown. */
  async repin(): Promise<void> {
    if (this.database.isPinned) return
    this.sealed = false
    await this.database.pin()
  }

  pageReader(
    wal: WalFile,
    salts: WalSalts,
    options: { frames: ReadonlyMap<number, number>; buffers: PageBuffers },
  ): PageReader {
    const { frames, buffers } = options
    return new PageReader({ buffers, databaseFd: this.database.fd, wal, salts, frames })
  }

  /** @see PrimaryDatabase.close */
  close(): void {
    this.#wal?.close()
    this.#wal = undefined
    this.database.unpin()
    this.database.close()
  }
}
