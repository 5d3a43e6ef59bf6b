import { ownedStream } from '../body.ts'
import { StorageError } from '../errors.ts'
import type { ByteStream, OpenOptions } from '../types.ts'
import type { SftpSession } from './session.ts'
import { isAbsent, type SftpErrorContext, sftpError } from './sftp-error.ts'

/** Every server takes requests of this size (draft-ietf-secsh-filexfer-02, 3). */
const CHUNK_SIZE = 32 * 1024
/** Chunks asked for together: what hides the round trips, and bounds the memory. */
const READ_AHEAD = 32

/** Open a file's bytes; undefined if there is no such file. */
export async function readFile(
  session: SftpSession,
  context: SftpErrorContext,
  { offset = 0, size = 0, signal }: OpenOptions,
): Promise<ByteStream | undefined> {
  let handle: Buffer
  try {
    handle = await session.openHandle((sftp, answer) => sftp.open(context.path, 'r', answer), signal)
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw sftpError(error, context)
  }
  const close = async (): Promise<void> => session.closeHandle(handle)
  try {
    const { size: length } = await session.request<{ size: number }>(
      (sftp, answer) => sftp.fstat(handle, answer),
      signal,
    )
    const end = size > 0 ? Math.min(length, offset + size) : length
    return ownedStream(new ReadAhead(session, handle, { offset, end, context }).next, close)
  } catch (error) {
    await close()
    throw sftpError(error, context)
  }
}

interface ReadRange {
  readonly offset: number
  /** Exclusive; within the file as it was when opened. */
  readonly end: number
  readonly context: SftpErrorContext
}

/** Reads a range in order, with several requests under way. */
class ReadAhead {
  readonly #session: SftpSession
  readonly #handle: Buffer
  readonly #range: ReadRange
  readonly #coming: Promise<Uint8Array>[] = []
  #asked: number

  constructor(session: SftpSession, handle: Buffer, range: ReadRange) {
    this.#session = session
    this.#handle = handle
    this.#range = range
    this.#asked = range.offset
  }

  readonly next = async (): Promise<Uint8Array | undefined> => {
    const { end, context } = this.#range
    context.signal?.throwIfAborted()
    while (this.#coming.length < READ_AHEAD && this.#asked < end) {
      const length = Math.min(CHUNK_SIZE, end - this.#asked)
      const chunk = this.#chunk(this.#asked, length)
      chunk.catch(() => {}) // its turn may never come
      this.#coming.push(chunk)
      this.#asked += length
    }
    return this.#coming.shift()
  }

  /** Exactly these bytes: a server may give fewer than it is asked for. */
  async #chunk(position: number, length: number): Promise<Uint8Array> {
    const { context } = this.#range
    const buffer = Buffer.alloc(length)
    let filled = 0
    try {
      while (filled < length) {
        const got = await this.#session.request<number>(
          (sftp, answer) => sftp.read(this.#handle, buffer, filled, length - filled, position + filled, answer),
          context.signal,
        )
        if (got === 0) throw this.#cut(position + filled)
        filled += got
      }
    } catch (error) {
      throw sftpError(error, context)
    }
    return new Uint8Array(buffer.buffer, buffer.byteOffset, length)
  }

  #cut(offset: number): StorageError {
    const { end, context } = this.#range
    const what = `sftp://${context.endpoint}${context.path}`
    const message = `${what} ended at ${offset} where ${end} bytes were expected: it was cut while being read`
    return new StorageError('STORAGE_SHORT_READ', message, { at: { key: context.path, offset } })
  }
}
