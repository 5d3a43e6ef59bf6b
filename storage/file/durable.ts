import { randomBytes } from 'node:crypto'
import { chmod, chown, type FileHandle, link, mkdir, open, rename, stat, unlink } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { StorageError } from '../errors.ts'
import type { ByteStream } from '../types.ts'
import { hasCode } from './file-error.ts'

/** Who owns what is created, and with which permissions. */
export interface FileModes {
  /** Permissions of files. Default 0600. */
  readonly mode?: number
  /** Permissions of folders. Default 0700. */
  readonly dirMode?: number
  readonly uid?: number
  readonly gid?: number
}

export interface DurableWrite extends FileModes {
  /** Modification time to set, in ms since the Unix epoch. */
  readonly mtime?: number
  /** Fail instead of replacing. */
  readonly exclusive?: boolean
  readonly signal?: AbortSignal | undefined
}

/** `atomic: false` says that `exclusive` could only be checked, not enforced: no hard links here. */
export interface DurableResult {
  readonly size: number
  readonly atomic: boolean
}

/** Flush a folder, so that names made in it survive a power cut. */
export async function syncDir(path: string): Promise<void> {
  if (process.platform === 'win32') return // Windows cannot open folders; NTFS journals names by itself
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Create a folder and its missing parents, durably. Existing ones are left as they are.
 *
 * Not by `mkdir`'s own `recursive`, which never returns where no folder can be made (nodejs/node: `/proc/x/y`).
 */
export async function mkdirDurable(path: string, modes: FileModes = {}): Promise<void> {
  const missing: string[] = []
  for (let dir = resolve(path); !(await isThere(dir)); dir = dirname(dir)) missing.unshift(dir)
  for (const dir of missing) {
    await mkdir(dir, modes.dirMode ?? 0o700).catch((error) => {
      if (!hasCode(error, 'EEXIST')) throw error // somebody else was faster
    })
    await own(dir, modes, modes.dirMode)
    await syncDir(dirname(dir))
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

async function own(path: string, modes: FileModes, mode: number | undefined): Promise<void> {
  if (mode !== undefined) await chmod(path, mode) // mkdir's own mode is cut by the umask
  if (modes.uid !== undefined || modes.gid !== undefined) await chown(path, modes.uid ?? -1, modes.gid ?? -1)
}

/**
 * Write a file so that it is visible only when complete, and then durable: temporary file, fsync, rename (or link),
 * fsync of the folder. Nothing is left behind on failure.
 *
 * The temporary name is unique, so two writers of one name do not write into each other's; readers ignore it.
 *
 * @throws StorageError STORAGE_PRECONDITION_FAILED if `exclusive` and the file exists
 */
export async function writeDurable(
  path: string,
  body: Uint8Array | ByteStream,
  options: DurableWrite,
): Promise<DurableResult> {
  await mkdirDurable(dirname(path), options)
  const temp = `${path}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const handle = await open(temp, 'wx', options.mode ?? 0o600)
    let size: number
    try {
      size = await fill(handle, body, options)
      await handle.sync()
    } finally {
      await handle.close()
    }
    options.signal?.throwIfAborted()
    const atomic = options.exclusive ? await publishNew(temp, path) : await publish(temp, path)
    await syncDir(dirname(path))
    return { size, atomic }
  } catch (error) {
    await unlink(temp).catch(() => {})
    throw error
  }
}

async function fill(handle: FileHandle, body: Uint8Array | ByteStream, options: DurableWrite): Promise<number> {
  let size = 0
  for await (const chunk of body instanceof Uint8Array ? [body] : body) {
    options.signal?.throwIfAborted()
    for (let at = 0; at < chunk.length; ) {
      const { bytesWritten } = await handle.write(chunk, at, chunk.length - at)
      at += bytesWritten
    }
    size += chunk.length
  }
  if (options.mode !== undefined) await handle.chmod(options.mode) // open's own mode is cut by the umask
  if (options.uid !== undefined || options.gid !== undefined) await handle.chown(options.uid ?? -1, options.gid ?? -1)
  if (options.mtime !== undefined) {
    // Seconds as a double come out up to 0.24 microseconds early, and cut to milliseconds a whole one: a little more.
    const seconds = (options.mtime + 0.0003) / 1000
    await handle.utimes(seconds, seconds)
  }
  return size
}

async function publish(temp: string, path: string): Promise<boolean> {
  await rename(temp, path)
  return true
}

/** Give a file its name only if nobody has it: link(2) is atomic, rename(2) would replace. */
async function publishNew(temp: string, path: string): Promise<boolean> {
  const taken = (cause?: unknown): StorageError =>
    new StorageError('STORAGE_PRECONDITION_FAILED', `${path} exists already`, { at: { key: path }, cause })
  try {
    await link(temp, path)
  } catch (error) {
    if (hasCode(error, 'EEXIST')) throw taken(error)
    if (!hasCode(error, 'EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'EXDEV')) throw error
    const exists = await stat(path).then(
      () => true,
      () => false,
    )
    if (exists) throw taken()
    await rename(temp, path)
    return false
  }
  await unlink(temp).catch(() => {}) // the file is published; a leftover name is ignored by readers
  return true
}
