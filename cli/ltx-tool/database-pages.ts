import { type FileHandle, open, stat } from 'node:fs/promises'
import { isValidPageSize, lockPgno, type Page } from '../../ltx/index.ts'
import { CliError, hasCode } from '../errors.ts'

const MAGIC = 'SQLite format 3\0'
const HEADER_BYTES = 100
const CHUNK_BYTES = 1024 * 1024

/** A database file opened to be read page by page. */
export interface DatabasePages {
  /** Bytes. */
  readonly pageSize: number
  /** Pages in the file. */
  readonly commit: number
  /** All pages but the lock page, in order; `data` is valid until the next one is asked for. */
  pages(): AsyncGenerator<Page>
}

/**
 * The pages of a database file that nobody writes to.
 *
 * @throws CliError when it is no database, ends within a page, or has a WAL that is not in it yet
 */
export async function readDatabase<T>(path: string, use: (database: DatabasePages) => Promise<T>): Promise<T> {
  await refuseWal(path)
  const file = await open(path, 'r')
  try {
    return await use(await databasePages(file, path))
  } finally {
    await file.close()
  }
}

/** The same for a file that is open already. */
export async function databasePages(file: FileHandle, path: string): Promise<DatabasePages> {
  const header = Buffer.alloc(HEADER_BYTES)
  const { bytesRead } = await file.read(header, 0, HEADER_BYTES, 0)
  if (bytesRead < HEADER_BYTES || header.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    throw failure(`${path} is no SQLite database`)
  }
  const stored = header.readUInt16BE(16)
  const pageSize = stored === 1 ? 65536 : stored
  if (!isValidPageSize(pageSize)) throw failure(`${path} is no SQLite database: its page size is ${pageSize}`)
  const { size } = await file.stat()
  if (size % pageSize !== 0) throw failure(`${path} ends within a page: ${size} bytes, pages of ${pageSize}`)
  return { pageSize, commit: size / pageSize, pages: () => pagesOf(file, pageSize, size) }
}

/** What is only in the WAL is not in the file, and what is written to the file would not last. */
export async function refuseWal(path: string): Promise<void> {
  const wal = await stat(`${path}-wal`).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  })
  if ((wal?.size ?? 0) === 0) return
  const hint = `sqlite3 ${path} 'PRAGMA wal_checkpoint(TRUNCATE)', with no other program at work on it`
  throw failure(`${path}-wal holds transactions that are not in the database file`, hint)
}

async function* pagesOf(file: FileHandle, pageSize: number, size: number): AsyncGenerator<Page> {
  const lock = lockPgno(pageSize)
  const chunk = new Uint8Array(CHUNK_BYTES)
  for (let at = 0; at < size; ) {
    const { bytesRead } = await file.read(chunk, 0, Math.min(CHUNK_BYTES, size - at), at)
    const whole = bytesRead - (bytesRead % pageSize)
    if (whole === 0) throw failure(`the database was cut while it was read, at byte ${at}`)
    for (let offset = 0; offset < whole; offset += pageSize) {
      const pgno = (at + offset) / pageSize + 1
      if (pgno !== lock) yield { pgno, data: chunk.subarray(offset, offset + pageSize) }
    }
    at += whole
  }
}

function failure(message: string, hint?: string): CliError {
  return new CliError('CLI_FAILED', message, { hint })
}
