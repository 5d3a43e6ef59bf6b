import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CHECKSUM_FLAG, formatTXID, type Header, hasChecksums, isSnapshot, type Trailer } from '../../ltx/index.ts'
import { syncDir } from '../../storage/file/index.ts'
import { CliError } from '../errors.ts'
import type { CliIO } from '../io.ts'
import { databaseChecksum } from './database-checksum.ts'
import { databasePages, refuseWal } from './database-pages.ts'
import { withLtx } from './files.ts'
import { formatChecksum } from './format.ts'

interface ProvedFile {
  readonly path: string
  readonly header: Header
  readonly trailer: Trailer
}

/**
 * Apply LTX files in order to a database file that nobody else uses; the file is cut or grown to the last one's size.
 *
 * All files are proved before the first page is written. A database that is not the one a file was made for is
 * noticed before that file is applied, when the file has checksums.
 *
 * @throws CliError that names the file; LtxError for a damaged one
 */
export async function applyFiles(io: CliIO, dbPath: string, paths: readonly string[]): Promise<void> {
  const files: ProvedFile[] = []
  for (const path of paths) files.push(await prove(io, path))
  checkOrder(files)
  await refuseWal(dbPath)
  const database = await open(dbPath, 'r+').catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return await open(dbPath, 'wx+')
  })
  try {
    for (const file of files) await applyFile(io, { database, dbPath }, file)
    await database.sync()
  } finally {
    await database.close()
  }
  await syncDir(dirname(dbPath))
}

async function prove(io: CliIO, path: string): Promise<ProvedFile> {
  try {
    return await withLtx(io, path, async (reader) => {
      const header = await reader.header()
      return { path, header, trailer: await reader.close() }
    })
  } catch (error) {
    throw refusal(path, error instanceof Error ? error.message : String(error), error)
  }
}

/** Each file continues the one before, or overlaps it and reaches further. */
function checkOrder(files: readonly ProvedFile[]): void {
  for (const [i, { path, header }] of files.entries()) {
    const before = files[i - 1]?.header
    if (before === undefined) continue
    if (header.pageSize !== before.pageSize) {
      throw refusal(path, `its page size is ${header.pageSize}, that of the file before ${before.pageSize}`)
    }
    if (header.minTXID > before.maxTXID + 1n || header.maxTXID <= before.maxTXID) {
      const range = `${formatTXID(header.minTXID)}-${formatTXID(header.maxTXID)}`
      throw refusal(path, `its TXIDs ${range} do not continue ${formatTXID(before.maxTXID)}`)
    }
  }
}

async function applyFile(
  io: CliIO,
  { database, dbPath }: { readonly database: FileHandle; readonly dbPath: string },
  { path, header, trailer }: ProvedFile,
): Promise<void> {
  await checkBefore(database, dbPath, path, header)
  await withLtx(io, path, async (reader) => {
    for await (const { pgno, data } of reader.pages()) {
      await database.write(data, 0, data.length, (pgno - 1) * header.pageSize)
    }
    await reader.close()
  })
  await database.truncate(header.commit * header.pageSize)
  if (!hasChecksums(header)) return
  const after = header.commit === 0 ? CHECKSUM_FLAG : await databaseChecksum(await databasePages(database, dbPath))
  if (after === trailer.postApplyChecksum) return
  const sums = `${formatChecksum(after)} <> ${formatChecksum(trailer.postApplyChecksum)}`
  throw refusal(path, `post-apply checksum mismatch: ${sums}; ${dbPath} is not usable any more`)
}

async function checkBefore(database: FileHandle, dbPath: string, path: string, header: Header): Promise<void> {
  const { size } = await database.stat()
  if (isSnapshot(header)) {
    if (size === 0) return
    throw refusal(path, `it is a snapshot and ${dbPath} is not empty; apply it to a path where nothing is`)
  }
  if (size === 0) throw refusal(path, `it is no snapshot and ${dbPath} is empty; begin with a file of TXID 1`)
  const before = await databasePages(database, dbPath)
  if (before.pageSize !== header.pageSize) {
    throw refusal(path, `its page size is ${header.pageSize}, that of ${dbPath} ${before.pageSize}`)
  }
  if (!hasChecksums(header)) return
  const checksum = await databaseChecksum(before)
  if (checksum === header.preApplyChecksum) return
  const sums = `${formatChecksum(checksum)} <> ${formatChecksum(header.preApplyChecksum)}`
  throw refusal(path, `pre-apply checksum mismatch: ${sums}; ${dbPath} is not the database it was made for`)
}

function refusal(path: string, why: string, cause?: unknown): CliError {
  return new CliError('CLI_FAILED', `${path}: ${why}`, { cause })
}
