import { decodeHeader, formatFilename, HEADER_SIZE } from '../ltx/index.ts'
import { StorageError } from './errors.ts'
import { formatTimestamp } from './timestamp.ts'
import type { ByteStream, LtxFileInfo, LtxFileName } from './types.ts'

/** A fresh copy, a plain Uint8Array. (`slice` of a Buffer, which streams in Node give, is a view.) */
export function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}

/** Join chunks into one fresh array. */
export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    out.set(chunk, at)
    at += chunk.length
  }
  return out
}

/** Read a stream to its end. The result is fresh: the chunks are copied as they come. */
export async function readAll(stream: ByteStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(copyOf(chunk))
  return chunks.length === 1 ? chunks[0]! : concat(chunks)
}

/**
 * A stream that releases what it reads from exactly once: at its end, at a failure, or when its consumer stops -
 * even before the first chunk, where a generator's `finally` would not run.
 */
export function ownedStream(next: () => Promise<Uint8Array | undefined>, close: () => Promise<void>): ByteStream {
  let closed = false
  const release = async (): Promise<void> => {
    if (closed) return
    closed = true
    await close()
  }
  const iterator: AsyncIterableIterator<Uint8Array> = {
    [Symbol.asyncIterator]: () => iterator,
    async next() {
      if (closed) return { done: true, value: undefined }
      try {
        const value = await next()
        if (value !== undefined) return { done: false, value }
      } catch (error) {
        await release().catch(() => {})
        throw error
      }
      await release()
      return { done: true, value: undefined }
    },
    async return() {
      await release()
      return { done: true, value: undefined }
    },
  }
  return iterator
}

/** A stream of nothing. */
export function emptyStream(): ByteStream {
  return ownedStream(
    async () => undefined,
    async () => {},
  )
}

export interface PeekedBody {
  /** The LTX header's timestamp, in ms since the Unix epoch. */
  readonly createdAt: number
  /** The same as RFC3339Nano text. */
  readonly timestamp: string
  /** The whole body again, header included; to be read once. */
  readonly body: Uint8Array | ByteStream
}

/**
 * Read the LTX header at the front of a body and give the body back whole.
 *
 * @throws StorageError STORAGE_BAD_LTX_HEADER if it is missing, damaged, or of another file than `file`;
 *   a stream is closed then
 */
export async function peekHeader(file: LtxFileName, body: Uint8Array | ByteStream, key: string): Promise<PeekedBody> {
  if (body instanceof Uint8Array) return { ...checkHeader(file, body.subarray(0, HEADER_SIZE), key), body }
  const source = body[Symbol.asyncIterator]()
  const header = new Uint8Array(HEADER_SIZE)
  let filled = 0
  let rest: Uint8Array = new Uint8Array(0)
  try {
    while (filled < HEADER_SIZE) {
      const { done, value } = await source.next()
      if (done) break
      const take = Math.min(HEADER_SIZE - filled, value.length)
      header.set(value.subarray(0, take), filled)
      filled += take
      rest = value.subarray(take)
    }
    return { ...checkHeader(file, header.subarray(0, filled), key), body: replay(header, rest, source) }
  } catch (error) {
    await source.return?.()
    throw error
  }
}

function replay(header: Uint8Array, rest: Uint8Array, source: AsyncIterator<Uint8Array>): ByteStream {
  const peeked = rest.length > 0 ? [header, rest] : [header]
  const next = async (): Promise<Uint8Array | undefined> => {
    const first = peeked.shift()
    if (first) return first
    const { done, value } = await source.next()
    return done ? undefined : value
  }
  return ownedStream(next, async () => {
    await source.return?.()
  })
}

/**
 * Write an LTX file in a store's way: the store is not asked before the header is known to be the file's, and a body that
 * could not be sent is closed.
 *
 * @param key where the file is in the store, for messages
 * @param send sends the whole body and gives its size in bytes
 * @throws StorageError STORAGE_BAD_LTX_HEADER; what `send` throws
 */
export async function writeLtx(
  file: LtxFileName,
  body: Uint8Array | ByteStream,
  key: string,
  send: (peeked: PeekedBody) => Promise<number>,
): Promise<LtxFileInfo> {
  const peeked = await peekHeader(file, body, key)
  try {
    const size = await send(peeked)
    return { level: file.level, minTXID: file.minTXID, maxTXID: file.maxTXID, size, createdAt: peeked.createdAt }
  } catch (error) {
    await closeBody(peeked.body)
    throw error
  }
}

/** Release a body that will not be read (any further). Never fails. */
export async function closeBody(body: Uint8Array | ByteStream): Promise<void> {
  if (body instanceof Uint8Array) return
  try {
    await body[Symbol.asyncIterator]().return?.()
  } catch {
    // The failure that led here is the one to report.
  }
}

function checkHeader(file: LtxFileName, bytes: Uint8Array, key: string): { createdAt: number; timestamp: string } {
  const refuse = (why: string, cause?: unknown): never => {
    throw new StorageError('STORAGE_BAD_LTX_HEADER', `Refused to write ${key}: ${why}`, { at: { key }, cause })
  }
  if (bytes.length < HEADER_SIZE) refuse(`${bytes.length} bytes are too few for an LTX header`)
  let header: ReturnType<typeof decodeHeader>
  try {
    header = decodeHeader(bytes)
  } catch (cause) {
    return refuse(`not an LTX file (${cause instanceof Error ? cause.message : String(cause)})`, cause)
  }
  if (header.minTXID !== file.minTXID || header.maxTXID !== file.maxTXID) {
    refuse(`its header says ${formatFilename(header.minTXID, header.maxTXID)}`)
  }
  const timestamp = formatTimestamp(header.timestamp)
  if (timestamp === undefined) return refuse(`timestamp ${header.timestamp} is outside the years 0 to 9999`)
  return { createdAt: header.timestamp, timestamp }
}
