import { access, constants, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isValidPageSize } from '../../ltx/index.ts'
import { type Finding, failure, ok, warning } from './finding.ts'

const MAGIC = 'SQLite format 3\0'
const HEADER_BYTES = 100
const WAL_VERSION = 2

/**
 * What a database file says of itself. Not for a database that this process itself has open: closing the file here
 * would drop the locks it holds.
 */
export async function checkDatabase(path: string): Promise<readonly Finding[]> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => error)
  if (found instanceof Error) {
    if (found.code !== 'ENOENT') return [failure('database', `Cannot look at ${path}: ${found.message}`)]
    return [failure('database', `There is no database ${path}`, 'Check the path, or restore it: litetap restore.')]
  }
  if (!found.isFile()) return [failure('database', `${path} is no file`, 'Name the database file itself.')]
  const header = await readHeader(path)
  if (header instanceof Error) {
    return [failure('database', `Cannot read ${path}: ${header.message}`, 'Run as the user whose database it is.')]
  }
  if (header.length === 0)
    return [warning('database', `${path} is empty`, 'It becomes a database with its first table.')]
  return describeHeader(path, header)
}

/** @param header the first 100 bytes of the file, or fewer */
export function describeHeader(path: string, header: Buffer): readonly Finding[] {
  if (header.length < HEADER_BYTES || header.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    return [failure('database', `${path} is no SQLite database`, 'Encrypted databases cannot be replicated.')]
  }
  const stored = header.readUInt16BE(16)
  const pageSize = stored === 1 ? 65536 : stored
  if (!isValidPageSize(pageSize)) return [failure('database', `${path} is damaged: its page size is ${pageSize}`)]
  const database = ok('database', `${path} is an SQLite database with pages of ${pageSize} bytes`)
  if (header[18] === WAL_VERSION && header[19] === WAL_VERSION) return [database, ok('wal mode', 'It is in WAL mode')]
  const hint = 'litetap replicate switches it; make sure that no program switches it back: PRAGMA journal_mode = WAL.'
  return [database, warning('wal mode', 'It is not in WAL mode', hint)]
}

/** Whether this user may read and write what replication does: the database, its folder and its metadata. */
export async function checkPermissions(path: string, metaPath: string): Promise<Finding> {
  const folder = dirname(path)
  const needed = [
    [path, constants.R_OK | constants.W_OK, 'read and write'],
    [folder, constants.W_OK | constants.X_OK, 'make files in'],
    [metaPath, constants.R_OK | constants.W_OK | constants.X_OK, 'read and write'],
  ] as const
  for (const [target, mode, verb] of needed) {
    const refused = await access(target, mode).catch((error: NodeJS.ErrnoException) => error)
    if (!(refused instanceof Error) || (target === metaPath && refused.code === 'ENOENT')) continue
    const hint = `Run as the user whose database it is, or give this user rights to ${folder} and all in it.`
    return failure('permissions', `This user may not ${verb} ${target} (${refused.code})`, hint)
  }
  return ok('permissions', `This user may write the database, and make files in ${folder}`)
}

/** What cannot be seen from outside. */
export function adviseApplication(): Finding {
  const hint =
    'In every program that writes the database: PRAGMA busy_timeout = 5000, as a checkpoint locks writers out for a ' +
    'moment; and under heavy load PRAGMA wal_autocheckpoint = 0, so that only litetap checkpoints.'
  return ok('application', 'Settings of other programs cannot be seen from here', hint)
}

async function readHeader(path: string): Promise<Buffer | Error> {
  try {
    const file = await open(path, 'r')
    try {
      const header = Buffer.alloc(HEADER_BYTES)
      const { bytesRead } = await file.read(header, 0, HEADER_BYTES, 0)
      return header.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (error) {
    return error as Error
  }
}
