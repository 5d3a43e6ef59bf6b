import { fileKey } from '../replica/index.ts'
import type { LtxFileInfo, ReplicaClient } from '../storage/index.ts'
import { WriterError } from './errors.ts'

/** Largest single request: long enough to fill a fast line, short enough that eight of them fit into memory. */
const MAX_PART_BYTES = 4 * 1024 * 1024
/** With hundreds of files open, each may hold two parts this small. */
const MIN_PART_BYTES = 64 * 1024
export const DEFAULT_PARALLELISM = 8

export interface FetchOptions {
  /** Requests in flight, over all files together. Default 8. */
  readonly parallelism?: number
  /** Bytes held in memory beyond one part of each file. Default: one full part per request in flight. */
  readonly memoryBytes?: number
  readonly signal?: AbortSignal
  /** Hears of every part that has arrived. */
  readonly onBytes?: (bytes: number) => void
}

/** A planned file cannot be used: it is gone, or what is in it is not what it should be. */
export class SourceError extends WriterError {
  readonly file: LtxFileInfo
  readonly missing: boolean

  constructor(file: LtxFileInfo, reason: string, options: { missing?: boolean; cause?: unknown } = {}) {
    const key = fileKey(file)
    super('WRITER_CORRUPT_REPLICA', `Cannot use replica file ${key}: ${reason}`, { at: { key }, cause: options.cause })
    this.file = file
    this.missing = options.missing ?? false
  }
}

/** One file, part after part. */
export interface PartSource {
  readonly file: LtxFileInfo
  /** The next part, or undefined after the last one. Its bytes are the caller's until the next call. */
  next(): Promise<Uint8Array | undefined>
}

interface Progress {
  readonly file: LtxFileInfo
  readonly partBytes: number
  /** Parts asked for and not yet taken, in order; without bytes while in flight. */
  readonly parts: { bytes: Uint8Array | undefined }[]
  /** First byte nobody has asked for yet. */
  offset: number
  waiting: { resolve: () => void; reject: (error: unknown) => void } | undefined
  /** The part the consumer has. */
  lent: Uint8Array | undefined
}

/**
 * Downloads several files at once in ranged requests, for a consumer that reads all of them side by side.
 *
 * At most `parallelism` requests run, whatever the files' number and size, and each ends by itself: a file that is
 * not being read holds no connection. A file that the consumer waits for comes first; the rest of the requests read
 * ahead where the smallest share of a file has been asked for, since a merge passes through all files at one pace.
 */
export class PartFetcher {
  readonly #client: ReplicaClient
  readonly #options: FetchOptions
  readonly #parallelism: number
  readonly #memoryBytes: number
  readonly #files: Progress[]
  readonly #abort = new AbortController()
  readonly #signal: AbortSignal
  readonly #buffers: ArrayBuffer[] = []
  #inFlight = 0
  #heldBytes = 0
  #failure: { error: unknown } | undefined

  constructor(client: ReplicaClient, files: readonly LtxFileInfo[], options: FetchOptions = {}) {
    this.#client = client
    this.#options = options
    this.#parallelism = Math.max(1, options.parallelism ?? DEFAULT_PARALLELISM)
    this.#memoryBytes = options.memoryBytes ?? this.#parallelism * MAX_PART_BYTES
    this.#signal =
      options.signal === undefined ? this.#abort.signal : AbortSignal.any([options.signal, this.#abort.signal])
    const total = files.reduce((sum, file) => sum + file.size, 0)
    this.#files = files.map((file) => {
      // A file's share of the memory, halved so that the next part can come while one is read.
      const share = (this.#memoryBytes * file.size) / Math.max(1, total) / 2
      const partBytes = Math.min(MAX_PART_BYTES, Math.max(MIN_PART_BYTES, Math.ceil(share)))
      return { file, partBytes, parts: [], offset: 0, waiting: undefined, lent: undefined }
    })
  }

  /** The files as given, each to be read once. Reading ahead starts with the first call. */
  sources(): PartSource[] {
    this.#pump()
    return this.#files.map((progress) => ({ file: progress.file, next: () => this.#next(progress) }))
  }

  /** Stop all requests and drop what has arrived. */
  close(): void {
    this.#fail(new DOMException('The download was closed', 'AbortError'))
  }

  async #next(progress: Progress): Promise<Uint8Array | undefined> {
    this.#signal.throwIfAborted()
    if (progress.lent !== undefined) this.#giveBack(progress.lent)
    progress.lent = undefined
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error
      if (progress.parts.length === 0 && progress.offset >= progress.file.size) return undefined
      const bytes = progress.parts[0]?.bytes
      if (bytes !== undefined) {
        progress.parts.shift()
        this.#heldBytes -= bytes.byteLength
        progress.lent = bytes
        this.#pump()
        return bytes
      }
      await new Promise<void>((resolve, reject) => {
        progress.waiting = { resolve, reject }
        this.#pump()
      })
    }
  }

  #pump(): void {
    while (this.#inFlight < this.#parallelism && this.#failure === undefined) {
      const progress = this.#chooseFile()
      if (progress === undefined) return
      void this.#fetchPart(progress)
    }
  }

  #chooseFile(): Progress | undefined {
    let ahead: Progress | undefined
    for (const progress of this.#files) {
      if (progress.offset >= progress.file.size) continue
      if (progress.waiting !== undefined && progress.parts.length === 0) return progress
      if (ahead === undefined || share(progress) < share(ahead)) ahead = progress
    }
    return ahead !== undefined && this.#heldBytes + ahead.partBytes <= this.#memoryBytes ? ahead : undefined
  }

  async #fetchPart(progress: Progress): Promise<void> {
    const { file, offset } = progress
    const size = Math.min(progress.partBytes, file.size - offset)
    const part: Progress['parts'][number] = { bytes: undefined }
    progress.parts.push(part)
    progress.offset += size
    this.#inFlight++
    this.#heldBytes += size
    try {
      part.bytes = await this.#read(file, offset, size)
      this.#options.onBytes?.(size)
    } catch (error) {
      this.#fail(error)
    }
    this.#inFlight--
    if (progress.waiting !== undefined && progress.parts[0]?.bytes !== undefined) {
      progress.waiting.resolve()
      progress.waiting = undefined
    }
    this.#pump()
  }

  async #read(file: LtxFileInfo, offset: number, size: number): Promise<Uint8Array> {
    const range = size === file.size ? {} : { offset, size }
    const stream = await this.#client.open(file, { ...range, signal: this.#signal })
    if (stream === undefined) throw new SourceError(file, 'it no longer exists', { missing: true })
    const bytes = this.#take(size)
    let filled = 0
    for await (const chunk of stream) {
      if (filled + chunk.byteLength > size) throw new SourceError(file, `more than the ${file.size} bytes listed`)
      bytes.set(chunk, filled)
      filled += chunk.byteLength
    }
    if (filled < size) throw new SourceError(file, `it ends at byte ${offset + filled} of the ${file.size} listed`)
    return bytes
  }

  /** Buffers are used again: freed ones would stay around until the next garbage collection, and that is late. */
  #take(size: number): Uint8Array {
    const index = this.#buffers.findIndex((buffer) => buffer.byteLength >= size)
    if (index >= 0) return new Uint8Array(this.#buffers.splice(index, 1)[0]!, 0, size)
    return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer) // every byte will be filled
  }

  #giveBack(bytes: Uint8Array): void {
    if (this.#buffers.length < this.#parallelism) this.#buffers.push(bytes.buffer as ArrayBuffer)
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure = { error }
    this.#abort.abort(error)
    for (const { waiting } of this.#files) waiting?.reject(error)
  }
}

function share(progress: Progress): number {
  return progress.offset / progress.file.size
}
