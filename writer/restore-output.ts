import { type FileHandle, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { mkdirDurable, syncDir } from '../storage/file/index.ts'
import { errnoCode, fileError, TEMP_SUFFIX, writeAll } from './durable-file.ts'
import { WriterError } from './errors.ts'
import { POSITION_SUFFIX } from './follow-position.ts'
import { removeSidecars, SQLITE_SIDECARS } from './integrity.ts'

/**
 * Check that a database may be restored to `output`, and make the directories above it (facts 6.1).
 *
 * @param force allow to replace a database that is there
 * @throws WriterError WRITER_OUTPUT_IS_DIRECTORY, WRITER_OUTPUT_EXISTS, or what the file system says
 */
export async function prepareOutput(output: string, force: boolean): Promise<void> {
  if (output === '') throw new WriterError('WRITER_USAGE', 'Cannot restore: no output path is given')
  try {
    await mkdirDurable(dirname(output), { dirMode: 0o777 & ~process.umask() })
    const found = await stat(output).catch(absent)
    if (found?.isDirectory()) {
      throw new WriterError('WRITER_OUTPUT_IS_DIRECTORY', `Cannot restore to ${output}: it is a directory`, {
        at: { path: output },
        hint: 'Name the file that the database shall become.',
      })
    }
    if (force) return
    if (found !== undefined && found.size > 0) throw outputExists(output)
    const names = await readdir(dirname(output))
    for (const suffix of SQLITE_SIDECARS) {
      if (names.includes(basename(output) + suffix)) throw outputExists(output + suffix)
    }
  } catch (error) {
    throw fileError(error, 'restore to', output)
  }
}

/**
 * Put a finished, synced file in the database's place. The side files of whatever was there go first, the position of
 * a follower too: a crash between the two leaves the old database without them, never the new one beside a WAL or
 * a position that is not its own.
 *
 * @param before runs between the two
 */
export async function publishOutput(output: string, before: () => Promise<void> | undefined): Promise<void> {
  try {
    await removeSidecars(output)
    await rm(output + POSITION_SUFFIX, { force: true })
    await syncDir(dirname(output))
    await before()
    await rename(output + TEMP_SUFFIX, output)
    await syncDir(dirname(output))
  } catch (error) {
    throw fileError(error, 'replace', output)
  }
}

/** Remove the unfinished file and what a check left beside it. Never throws. */
export async function discardOutput(output: string): Promise<void> {
  await rm(output + TEMP_SUFFIX, { force: true }).catch(() => {})
  await removeSidecars(output + TEMP_SUFFIX).catch(() => {})
}

/** Bytes gathered before a write, so that the system call does not matter; enough buffers that no page waits for one. */
const BUFFER_BYTES = 1024 * 1024
const BUFFERS = 4

/**
 * Writes pages to their places in a database file. Pages in ascending order become large writes, which run beside
 * the making of the next ones.
 */
export class PageWriter {
  readonly #file: FileHandle
  readonly #pageSize: number
  readonly #free: Uint8Array[] = []
  #buffer: Uint8Array | undefined
  #filled = 0
  #start = 0
  /** Writes are made one after the other: the last version of a page must stay. */
  #writing: Promise<void> = Promise.resolve()
  #freed: { resolve: () => void; reject: (error: unknown) => void } | undefined
  /** One bit per page ever written. */
  #seen = new Uint8Array(4096)

  constructor(file: FileHandle, pageSize: number) {
    this.#file = file
    this.#pageSize = pageSize
    const bytes = Math.max(BUFFER_BYTES, pageSize)
    for (let i = 0; i < BUFFERS; i++) this.#free.push(new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer))
  }

  /**
   * Take a page of the writer's page size. It is copied before this returns, or before the promise resolves.
   * @returns a promise when the caller must wait before the next call
   */
  write(pgno: number, data: Uint8Array): Promise<void> | undefined {
    const offset = (pgno - 1) * this.#pageSize
    const full = this.#buffer !== undefined && this.#filled + data.byteLength > this.#buffer.byteLength
    if (full || offset !== this.#start + this.#filled) this.#flush()
    this.#buffer ??= this.#free.pop()
    if (this.#buffer === undefined) return this.#waitAndWrite(pgno, data)
    if (this.#filled === 0) this.#start = offset
    this.#buffer.set(data, this.#filled)
    this.#filled += data.byteLength
    this.#mark(pgno)
    return undefined
  }

  /**
   * Write out everything and set the file's size.
   * @param commit pages; what lies beyond goes, what was never written reads as zeros
   */
  async finish(commit: number): Promise<void> {
    this.#flush()
    await this.#writing
    await this.#file.truncate(commit * this.#pageSize)
  }

  /** The first page up to `commit` that was never written, the lock page aside. */
  missingPage(commit: number, lockPgno: number): number | undefined {
    for (let pgno = 1; pgno <= commit; pgno++) {
      if (pgno % 8 === 0 && this.#seen[pgno >> 3] === 0xff) pgno += 7
      else if (((this.#seen[pgno >> 3] ?? 0) & (1 << (pgno & 7))) === 0 && pgno !== lockPgno) return pgno
    }
    return undefined
  }

  async #waitAndWrite(pgno: number, data: Uint8Array): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#freed = { resolve, reject }
    })
    await this.write(pgno, data)
  }

  #flush(): void {
    const buffer = this.#buffer
    if (buffer === undefined || this.#filled === 0) return
    const bytes = buffer.subarray(0, this.#filled)
    const start = this.#start
    this.#buffer = undefined
    this.#filled = 0
    this.#writing = this.#writing.then(() => writeAll(this.#file, bytes, start))
    this.#writing.then(
      () => {
        this.#free.push(buffer)
        this.#freed?.resolve()
      },
      (error) => this.#freed?.reject(error),
    )
  }

  #mark(pgno: number): void {
    const index = pgno >> 3
    if (index >= this.#seen.byteLength) {
      const grown = new Uint8Array(Math.max(index + 1, this.#seen.byteLength * 2))
      grown.set(this.#seen)
      this.#seen = grown
    }
    this.#seen[index]! |= 1 << (pgno & 7)
  }
}

function absent(error: unknown): undefined {
  if (errnoCode(error) === 'ENOENT') return undefined
  throw error
}

function outputExists(path: string): WriterError {
  return new WriterError('WRITER_OUTPUT_EXISTS', `Cannot restore: ${path} already exists`, {
    at: { path },
    hint: 'Choose another path, or force the restore to replace it.',
  })
}
