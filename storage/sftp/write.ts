import { randomBytes } from 'node:crypto'
import { posix } from 'node:path'
import { BodySource } from '../body-source.ts'
import { StorageError } from '../errors.ts'
import type { ByteStream } from '../types.ts'
import { makeFolder } from './folder.ts'
import type { SftpSession } from './session.ts'
import { hasStatus, isAbsent, isUnsupported, type SftpErrorContext, STATUS, sftpError } from './sftp-error.ts'

/** Every server takes requests of this size (draft-ietf-secsh-filexfer-02, 3). */
const CHUNK_SIZE = 32 * 1024
/** Chunks under way together: what hides the round trips, and bounds the memory. */
const CONCURRENT_CHUNKS = 32

export interface SftpWrite {
  /** Modification time to set, in ms since the Unix epoch; the protocol has whole seconds. */
  readonly mtime?: number
  /** Fail instead of replacing. */
  readonly exclusive?: boolean
  /** Several chunks under way. */
  readonly concurrent: boolean
}

/** `atomic: false` says that `exclusive` could only be checked, not enforced: no hard links here. */
export interface SftpWritten {
  readonly size: number
  readonly atomic: boolean
}

/**
 * Write a file so that it is visible only when complete, and durable where the server can do that
 * (`fsync@openssh.com`): temporary file, rename or link (facts 2.8). Its folder is made if need be.
 *
 * The temporary name is unique, and readers ignore it. It is removed on failure, unless the connection is gone.
 *
 * @throws StorageError STORAGE_PRECONDITION_FAILED if `exclusive` and the file exists
 */
export async function writeFile(
  session: SftpSession,
  context: SftpErrorContext,
  body: Uint8Array | ByteStream,
  options: SftpWrite,
): Promise<SftpWritten> {
  const { path, signal } = context
  const temp = `${path}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`
  const source = new BodySource(body)
  try {
    const handle = await create(session, temp, context)
    let size: number
    try {
      size = await fill(session, handle, source, { context, window: options.concurrent ? CONCURRENT_CHUNKS : 1 })
      await finish(session, handle, options.mtime)
    } finally {
      session.closeHandle(handle)
    }
    signal?.throwIfAborted()
    const atomic = options.exclusive ? await publishNew(session, temp, context) : await publish(session, temp, path)
    return { size, atomic }
  } catch (error) {
    await source.close()
    await session.request<void>((sftp, answer) => sftp.unlink(temp, answer)).catch(() => {})
    throw sftpError(error, context)
  }
}

async function create(session: SftpSession, temp: string, { signal }: SftpErrorContext): Promise<Buffer> {
  const open = (): Promise<Buffer> => session.openHandle((sftp, answer) => sftp.open(temp, 'wx', answer), signal)
  try {
    return await open()
  } catch (error) {
    if (!isAbsent(error)) throw error
    await makeFolder(session, posix.dirname(temp))
    return await open()
  }
}

async function fill(
  session: SftpSession,
  handle: Buffer,
  source: BodySource,
  { context, window }: { readonly context: SftpErrorContext; readonly window: number },
): Promise<number> {
  const coming = new Set<Promise<void>>()
  let size = 0
  let failure: { readonly error: unknown } | undefined
  while (!source.ended && !failure) {
    context.signal?.throwIfAborted()
    const buffer = Buffer.allocUnsafe(CHUNK_SIZE)
    const length = await source.fill(buffer)
    const position = size
    const sent: Promise<void> = session
      .request<void>((sftp, answer) => sftp.write(handle, buffer, 0, length, position, answer), context.signal)
      .catch((error) => {
        failure ??= { error }
      })
      .finally(() => coming.delete(sent))
    coming.add(sent)
    size += length
    if (coming.size >= window) await Promise.race(coming)
  }
  await Promise.all(coming)
  if (failure) throw failure.error
  return size
}

async function finish(session: SftpSession, handle: Buffer, mtime: number | undefined): Promise<void> {
  if (mtime !== undefined) {
    const seconds = Math.max(0, Math.floor(mtime / 1000))
    await session.request<void>((sftp, answer) => sftp.futimes(handle, seconds, seconds, answer))
  }
  await session
    .request<void>((sftp, answer) => sftp.ext_openssh_fsync(handle, answer))
    .catch((error) => {
      if (!isUnsupported(error)) throw error
    })
}

/** Give a file its name; one of that name is replaced in one step where the server can do that. */
async function publish(session: SftpSession, temp: string, path: string): Promise<boolean> {
  try {
    await session.request<void>((sftp, answer) => sftp.ext_openssh_rename(temp, path, answer))
  } catch (error) {
    if (!isUnsupported(error)) throw error
    await renameOver(session, temp, path)
  }
  return true
}

/** Where a plain rename refuses to replace: for a moment there is no file of that name. */
async function renameOver(session: SftpSession, temp: string, path: string): Promise<void> {
  const rename = (): Promise<void> => session.request<void>((sftp, answer) => sftp.rename(temp, path, answer))
  try {
    await rename()
  } catch (error) {
    if (!hasStatus(error, STATUS.FAILURE) || !(await exists(session, path))) throw error
    await session.request<void>((sftp, answer) => sftp.unlink(path, answer))
    await rename()
  }
}

/** Give a file its name only if nobody has it: a hard link is atomic. */
async function publishNew(session: SftpSession, temp: string, { path }: SftpErrorContext): Promise<boolean> {
  const taken = (cause?: unknown): StorageError =>
    new StorageError('STORAGE_PRECONDITION_FAILED', `${path} exists already`, { at: { key: path }, cause })
  try {
    await session.request<void>((sftp, answer) => sftp.ext_openssh_hardlink(temp, path, answer))
  } catch (error) {
    if (!isUnsupported(error) && !hasStatus(error, STATUS.FAILURE, STATUS.PERMISSION_DENIED)) throw error
    if (await exists(session, path)) throw taken(error)
    await session.request<void>((sftp, answer) => sftp.rename(temp, path, answer))
    return false
  }
  // The file is published; a leftover name is ignored by readers.
  await session.request<void>((sftp, answer) => sftp.unlink(temp, answer)).catch(() => {})
  return true
}

async function exists(session: SftpSession, path: string): Promise<boolean> {
  try {
    await session.request((sftp, answer) => sftp.stat(path, answer))
    return true
  } catch (error) {
    if (isAbsent(error)) return false
    throw error
  }
}
