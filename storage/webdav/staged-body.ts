import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { BodySource } from '../body-source.ts'
import { fileError } from '../file/file-error.ts'
import type { ByteStream } from '../types.ts'

/** Bodies up to this size stay in memory. */
const IN_MEMORY = 8 * 1024 * 1024
const CHUNK_SIZE = 512 * 1024

/** A body whose length is known, and which can be sent again. */
export interface StagedBody {
  /** Bytes. */
  readonly size: number
  readonly inMemory: boolean
  /** From the start, each time. */
  open(): Buffer | Readable
  /** Never fails. */
  discard(): Promise<void>
}

/**
 * Take a body up whole: in memory, a large one in a temporary file (facts 2.9). Many servers want a length beforehand.
 * @throws StorageError where the temporary file cannot be written; what the body throws; the signal's reason
 */
export async function stageBody(body: Uint8Array | ByteStream, signal: AbortSignal | undefined): Promise<StagedBody> {
  if (body instanceof Uint8Array) return inMemory(body)
  const source = new BodySource(body)
  try {
    const front = await source.takeFront(IN_MEMORY)
    signal?.throwIfAborted()
    if (source.ended) return inMemory(front)
    source.putBack(front)
    return await inFile(source, signal)
  } finally {
    await source.close()
  }
}

function inMemory(bytes: Uint8Array): StagedBody {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return { size: bytes.length, inMemory: true, open: () => buffer, discard: async () => {} }
}

async function inFile(source: BodySource, signal: AbortSignal | undefined): Promise<StagedBody> {
  const path = join(tmpdir(), `litetap-webdav-${randomBytes(8).toString('hex')}.ltx`)
  const discard = async (): Promise<void> => unlink(path).catch(() => {})
  try {
    const handle = await open(path, 'wx', 0o600)
    let size = 0
    try {
      const buffer = Buffer.alloc(CHUNK_SIZE)
      while (!source.ended) {
        signal?.throwIfAborted()
        const length = await source.fill(buffer)
        for (let at = 0; at < length; ) at += (await handle.write(buffer, at, length - at)).bytesWritten
        size += length
      }
    } finally {
      await handle.close()
    }
    return { size, inMemory: false, open: () => createReadStream(path), discard }
  } catch (error) {
    await discard()
    throw fileError(error, 'write temporary file', path)
  }
}
