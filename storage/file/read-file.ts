import { type FileHandle, open } from 'node:fs/promises'
import { ownedStream } from '../body.ts'
import { StorageError } from '../errors.ts'
import type { ByteStream, OpenOptions } from '../types.ts'
import { fileError, hasCode } from './file-error.ts'

/** Bytes per read: few enough calls, little enough memory. */
const CHUNK_SIZE = 512 * 1024

/** Open a file, whole or a range, as `ReplicaClient.open` says; undefined when there is none. */
export async function readFile(path: string, options: OpenOptions): Promise<ByteStream | undefined> {
  let handle: FileHandle
  try {
    handle = await open(path, 'r')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw fileError(error, 'read', path)
  }
  try {
    const { size } = await handle.stat()
    const offset = options.offset ?? 0
    const end = options.size ? Math.min(size, offset + options.size) : size
    return readRange(handle, path, { offset, end, signal: options.signal })
  } catch (error) {
    await handle.close()
    throw fileError(error, 'read', path)
  }
}

interface FileRange {
  readonly offset: number
  /** Exclusive; within the file as it was when opened. */
  readonly end: number
  readonly signal: AbortSignal | undefined
}

function readRange(handle: FileHandle, path: string, range: FileRange): ByteStream {
  let at = range.offset
  const next = async (): Promise<Uint8Array | undefined> => {
    range.signal?.throwIfAborted()
    if (at >= range.end) return undefined
    const chunk = new Uint8Array(Math.min(CHUNK_SIZE, range.end - at))
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, at).catch((error) => {
      throw fileError(error, 'read', path)
    })
    if (bytesRead === 0) {
      const message = `${path} ended at ${at} where ${range.end} bytes were expected: it was cut while being read`
      throw new StorageError('STORAGE_SHORT_READ', message, { at: { key: path, offset: at } })
    }
    at += bytesRead
    return bytesRead === chunk.length ? chunk : chunk.subarray(0, bytesRead)
  }
  return ownedStream(next, () => handle.close())
}
