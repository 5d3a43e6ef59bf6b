import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncDir } from '../storage/file/index.ts'
import { WriterError } from './errors.ts'

/** What every unfinished file is called: its final path and this. */
export const TEMP_SUFFIX = '.tmp'

/** Who a new file belongs to. What is absent stays as the platform makes it. */
export interface FileOwner {
  /** Permission bits, set exactly (no umask). */
  readonly mode?: number
  /** Set as far as this process may; a refusal is ignored, as upstream does. */
  readonly uid?: number
  readonly gid?: number
}

/**
 * Write a whole file so that after a crash `path` holds either what it held before or everything new:
 * `<path>.tmp`, fsync, rename, fsync of the directory. The temporary file is removed on any failure.
 *
 * @param write fills the file; its `FileHandle` (and `fd`) is valid until it returns. May be synchronous.
 * @returns what `write` returned
 * @throws WriterError WRITER_DISK_FULL or WRITER_IO for a failed file operation; what `write` throws otherwise, as it is
 */
export async function writeFileDurably<T>(
  path: string,
  owner: FileOwner,
  write: (file: FileHandle) => T | Promise<T>,
): Promise<T> {
  const temp = path + TEMP_SUFFIX
  try {
    const file = await open(temp, 'w+', owner.mode ?? 0o666)
    let result: T
    try {
      await setOwner(file, owner)
      result = await write(file)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temp, path)
    await syncDir(dirname(path))
    return result
  } catch (error) {
    await rm(temp, { force: true }).catch(() => {})
    throw fileError(error, 'write', path)
  }
}

/**
 * Remove every `*.tmp` under a directory, at any depth: what a crash left behind.
 *
 * @returns how many; 0 when there is no such directory
 */
export async function removeTempFiles(dir: string): Promise<number> {
  let removed = 0
  let entries: Awaited<ReturnType<typeof readEntries>>
  try {
    entries = await readEntries(dir)
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return 0
    throw fileError(error, 'list', dir)
  }
  for (const entry of entries) {
    const path = join(dir, entry.name)
    if (entry.isDirectory()) removed += await removeTempFiles(path)
    else if (entry.name.endsWith(TEMP_SUFFIX)) {
      await rm(path, { force: true })
      removed++
    }
  }
  return removed
}

/** Write all of `bytes` at the file's current position, or at `position`, however short single writes come out. */
export async function writeAll(file: FileHandle, bytes: Uint8Array, position: number | null = null): Promise<void> {
  let done = 0
  while (done < bytes.byteLength) {
    const at = position === null ? null : position + done
    const { bytesWritten } = await file.write(bytes, done, bytes.byteLength - done, at)
    done += bytesWritten
  }
}

/** A failed file operation as a WriterError; anything that is no system error is returned as it is. */
export function fileError(error: unknown, verb: string, path: string): unknown {
  const code = errnoCode(error)
  if (code === undefined) return error
  const message = `Cannot ${verb} ${path}: ${(error as Error).message}`
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new WriterError('WRITER_DISK_FULL', message, { at: { path }, cause: error, hint: 'Free some disk space.' })
  }
  return new WriterError('WRITER_IO', message, { at: { path }, cause: error })
}

/** The system's name of a failure (`ENOENT`, ...), or undefined when the error is of another kind. */
export function errnoCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('syscall' in error)) return undefined
  const { code } = error as NodeJS.ErrnoException
  return typeof code === 'string' ? code : undefined
}

function readEntries(dir: string) {
  return readdir(dir, { withFileTypes: true })
}

async function setOwner(file: FileHandle, owner: FileOwner): Promise<void> {
  if (owner.mode !== undefined) await file.chmod(owner.mode & 0o7777)
  if (owner.uid === undefined || owner.gid === undefined) return
  const stat = await file.stat()
  if (stat.uid === owner.uid && stat.gid === owner.gid) return
  await file.chown(owner.uid, owner.gid).catch(() => {})
}
