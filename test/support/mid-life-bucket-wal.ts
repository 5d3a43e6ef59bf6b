import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { lockPgno } from '../../ltx/index.ts'
import { parseWalFrameHeader, WAL_FRAME_HEADER_SIZE, WAL_HEADER_SIZE } from '../../writer/wal.ts'

/** What the transactions since the last look have done. */
export interface WalChange {
  /** Database size in pages. */
  readonly commit: number
  /** Every page changed, as it is now. */
  readonly pages: Map<number, Uint8Array>
  readonly walOffset: number
  readonly walSize: number
  /** Counts the WAL's restarts. */
  readonly generation: number
}

/** The one connection to a database in WAL mode, whose commits can be read off the WAL. It never checkpoints by itself. */
export class WalTap {
  readonly db: DatabaseSync
  readonly pageSize: number
  readonly #path: string
  #wal: number | undefined
  #offset = WAL_HEADER_SIZE
  #generation = 1
  #commit: number

  /** @param path a database that has its page size and at least one table */
  constructor(path: string) {
    this.#path = path
    this.db = new DatabaseSync(path)
    this.db.exec('PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = off')
    this.pageSize = this.#pragma('page_size')
    this.#commit = this.#pragma('page_count')
  }

  /** Database size in pages, after the last commit taken. */
  get commit(): number {
    return this.#commit
  }

  /** The changes since the last call; undefined when nothing was committed. */
  take(): WalChange | undefined {
    this.#wal ??= openSync(`${this.#path}-wal`, 'r')
    const start = this.#offset
    const bytes = Buffer.alloc(Math.max(0, fstatSync(this.#wal).size - start))
    readSync(this.#wal, bytes, 0, bytes.length, start)
    const pages = new Map<number, Uint8Array>()
    const before = this.#commit
    for (let at = 0; at < bytes.length; at += WAL_FRAME_HEADER_SIZE + this.pageSize) {
      const { pgno, commit } = parseWalFrameHeader(bytes, at)
      const page = at + WAL_FRAME_HEADER_SIZE
      pages.set(pgno, bytes.subarray(page, page + this.pageSize))
      if (commit !== 0) this.#commit = commit
    }
    if (pages.size === 0) return undefined
    this.#offset = start + bytes.length
    this.#complete(pages, before)
    const size = bytes.length
    return { commit: this.#commit, pages, walOffset: start, walSize: size, generation: this.#generation }
  }

  /** Bring everything into the database file and begin a new WAL. Take what there is before. */
  checkpoint(): void {
    const { busy } = this.db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() as { busy: number }
    if (busy !== 0) throw new Error(`Cannot checkpoint ${this.#path}: another connection reads it`)
    this.#offset = WAL_HEADER_SIZE
    this.#generation += 1
  }

  /** All is in the database file afterwards; there is no WAL. */
  close(): void {
    if (this.#wal !== undefined) closeSync(this.#wal)
    this.db.close()
  }

  /** Facts 3.7: pages cut off go; pages the database grew by and nobody wrote come from the file, which has none. */
  #complete(pages: Map<number, Uint8Array>, before: number): void {
    for (const pgno of pages.keys()) if (pgno > this.#commit) pages.delete(pgno)
    for (let pgno = before + 1; pgno <= this.#commit; pgno++) {
      if (!pages.has(pgno) && pgno !== lockPgno(this.pageSize)) pages.set(pgno, new Uint8Array(this.pageSize))
    }
  }

  #pragma(name: string): number {
    return Number(Object.values(this.db.prepare(`PRAGMA ${name}`).get()!)[0])
  }
}
