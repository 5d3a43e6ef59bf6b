import { lockPgno, type TXID } from '../ltx/index.ts'
import type { LtxFileInfo, ReplicaClient } from '../storage/index.ts'
import { fileError } from './durable-file.ts'
import { WriterError } from './errors.ts'
import type { FollowDatabase } from './follow-database.ts'
import { changeCounter, type JournalInfo, JournalWriter, patchPageOne } from './follow-journal.ts'
import { type FetchOptions, SourceError } from './restore-fetch.ts'
import { type MergedHeader, mergeFiles } from './restore-merge.ts'

/** Only what is complete and proved is renamed to the name that SQLite looks for. */
export const SPOOL_SUFFIX = '-journal.tmp'

/**
 * Merge files into a journal beside a follower: everything downloaded, proved and durable before the database is
 * touched.
 *
 * @param files from the follower's position on, or beginning with a snapshot
 * @returns what the journal leads to; it lies at `<path>-journal.tmp`
 * @throws SourceError, WriterError WRITER_PAGE_SIZE_CHANGED; what the client and the file system throw
 */
export async function spoolFiles(
  client: ReplicaClient,
  database: FollowDatabase,
  options: FetchOptions & { files: readonly LtxFileInfo[] },
): Promise<JournalInfo> {
  const { files } = options
  const before = database.header()
  const txid = files.at(-1)!.maxTXID
  const spool = await Spool.create(database, before.pageSize, txid)
  try {
    const merged = await mergeFiles(client, files, {
      ...options,
      open: (header) => {
        if (header.pageSize !== before.pageSize) throw pageSizeChanged(database.path, before.pageSize, header.pageSize)
        spool.begin(header, before.commit)
        return (pgno, data) => spool.write(pgno, data)
      },
    })
    const missing = spool.missing
    if (missing > 0) throw new SourceError(files.at(-1)!, `${missing} pages by which the database grew are missing`)
    await spool.finish()
    return merged
  } catch (error) {
    throw fileError(error, 'write changes for', database.path)
  } finally {
    await spool.close()
  }
}

/** A journal that changes nothing but page 1: makes a database that somebody else restored a follower at `txid`. */
export async function spoolStamp(database: FollowDatabase, txid: TXID): Promise<JournalInfo> {
  const { pageSize, commit } = database.header()
  const spool = await Spool.create(database, pageSize, txid)
  try {
    spool.begin({ pageSize, commit }, commit)
    await spool.finish()
    return { pageSize, commit }
  } finally {
    await spool.close()
  }
}

/** Sees to page 1, which changes every time, and counts the pages that a growing database must bring. */
class Spool {
  readonly #database: FollowDatabase
  readonly #journal: JournalWriter
  readonly #txid: TXID
  #header: MergedHeader = { pageSize: 0, commit: 0 }
  #oldCommit = 0
  #grown = 0
  #started = false
  #finished = false

  private constructor(database: FollowDatabase, journal: JournalWriter, txid: TXID) {
    this.#database = database
    this.#journal = journal
    this.#txid = txid
  }

  static async create(database: FollowDatabase, pageSize: number, txid: TXID): Promise<Spool> {
    const journal = await JournalWriter.create(database.path + SPOOL_SUFFIX, pageSize, changeCounter(txid))
    return new Spool(database, journal, txid)
  }

  begin(header: MergedHeader, oldCommit: number): void {
    this.#header = header
    this.#oldCommit = oldCommit
  }

  /** Pages beyond the old size that have not been written. */
  get missing(): number {
    const { commit, pageSize } = this.#header
    const lock = lockPgno(pageSize)
    const expected = Math.max(0, commit - this.#oldCommit) - (lock > this.#oldCommit && lock <= commit ? 1 : 0)
    return expected - this.#grown
  }

  write(pgno: number, data: Uint8Array): Promise<void> | undefined {
    if (!this.#started) return this.#writeFirst(pgno, data)
    if (pgno > this.#oldCommit) this.#grown++
    return this.#journal.write(pgno, data)
  }

  async finish(): Promise<void> {
    if (!this.#started) await this.#writePageOne(this.#database.readPageOne(this.#header.pageSize))
    await this.#journal.finish(this.#header.commit)
    this.#finished = true
  }

  async close(): Promise<void> {
    if (!this.#finished) await this.#journal.abandon()
  }

  async #writeFirst(pgno: number, data: Uint8Array): Promise<void> {
    await this.#writePageOne(pgno === 1 ? data.slice() : this.#database.readPageOne(this.#header.pageSize))
    if (pgno !== 1) await this.write(pgno, data)
  }

  /** @param page its own copy */
  async #writePageOne(page: Uint8Array): Promise<void> {
    this.#started = true
    patchPageOne(page, this.#txid, this.#header.commit)
    await this.#journal.write(1, page)
  }
}

function pageSizeChanged(path: string, before: number, after: number): WriterError {
  return new WriterError(
    'WRITER_PAGE_SIZE_CHANGED',
    `Cannot follow into ${path}: the page size changed from ${before} to ${after}`,
    { at: { path }, hint: 'Delete the database and its -txid file, and restore it anew.' },
  )
}
