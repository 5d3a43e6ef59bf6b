import type { Dirent } from 'node:fs'
import { type FileHandle, open, readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { formatFilename, formatTXID, LtxError, LtxReader, parseFilename, type TXID } from '../ltx/index.ts'
import { mkdirDurable, syncDir } from '../storage/file/index.ts'
import type { ByteStream } from '../storage/index.ts'
import { errnoCode, type FileOwner, fileError, removeTempFiles, writeFileDurably } from './durable-file.ts'
import { WriterError } from './errors.ts'
import type { ScratchMemory } from './scratch-memory.ts'

/** As large as what storage/ sends in one request. */
const WHOLE_BYTES_MAX = 8 * 1024 * 1024
/** Small, because compaction reads hundreds of files side by side. */
const STREAM_BYTES = 64 * 1024

/** Where Litestream keeps its state of a database: a folder beside it. */
export function metaPath(databasePath: string): string {
  return join(dirname(databasePath), `.${basename(databasePath)}-litestream`)
}

/**
 * The L0 files of a database that are kept beside it. Their names are the only record of the position:
 * the highest TXID among them is the last one made.
 *
 * @see facts 3.2
 */
export class LocalLtx {
  /** The metadata directory. */
  readonly path: string
  readonly #directory: string

  constructor(path: string) {
    this.path = path
    this.#directory = join(path, 'ltx', '0')
  }

  /** Create the directories and clear away what a crash left half-written. `owner.mode` is that of the database file. */
  async prepare(owner: FileOwner): Promise<void> {
    // Whoever may read the database may look into its metadata: read bits bring search bits.
    const mode = owner.mode === undefined ? 0o700 : owner.mode | ((owner.mode & 0o444) >> 2)
    try {
      const { uid, gid } = owner
      await mkdirDurable(this.#directory, {
        dirMode: mode,
        ...(uid !== undefined && gid !== undefined && { uid, gid }),
      })
      await removeTempFiles(this.path)
    } catch (error) {
      throw fileError(error, 'prepare', this.path)
    }
  }

  /** TXIDs of the files that are here, ascending. */
  async txids(): Promise<TXID[]> {
    let entries: Dirent[]
    try {
      entries = await readdir(this.#directory, { withFileTypes: true })
    } catch (error) {
      if (errnoCode(error) === 'ENOENT') return []
      throw fileError(error, 'list', this.#directory)
    }
    return entries
      .map((entry) => parseFilename(entry.name)?.maxTXID)
      .filter((txid) => txid !== undefined)
      .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  }

  file(txid: TXID): string {
    return join(this.#directory, formatFilename(txid, txid))
  }

  /** Make one file, durably; `write` fills it. */
  write<T>(txid: TXID, owner: FileOwner, write: (file: FileHandle) => Promise<T>): Promise<T> {
    return writeFileDurably(this.file(txid), owner, write)
  }

  /** @returns bytes, or undefined when the file is not here */
  async size(txid: TXID): Promise<number | undefined> {
    try {
      return (await stat(this.file(txid))).size
    } catch (error) {
      if (errnoCode(error) === 'ENOENT') return undefined
      throw fileError(error, 'look at', this.file(txid))
    }
  }

  /** One file for uploading: its bytes, as `read` gives them, or if it is large a stream. */
  async open(txid: TXID, memory: ScratchMemory): Promise<Uint8Array | ByteStream> {
    const size = await this.size(txid)
    return size === undefined || size <= WHOLE_BYTES_MAX ? await this.read(txid, memory) : this.stream(txid)
  }

  /**
   * All bytes of one file.
   * @param memory where they go: they are valid until it is taken again
   * @throws WriterError WRITER_LTX_MISSING
   */
  async read(txid: TXID, memory: ScratchMemory): Promise<Uint8Array> {
    let handle: FileHandle | undefined
    try {
      handle = await open(this.file(txid))
      const { size } = await handle.stat()
      const bytes = memory.take(size)
      const { bytesRead } = await handle.read(bytes, 0, size, 0)
      if (bytesRead < size) throw new Error(`${bytesRead} of ${size} bytes`)
      return bytes
    } catch (error) {
      throw this.#readError(txid, error)
    } finally {
      await handle?.close()
    }
  }

  /** The bytes of one file, in chunks that are valid until the next one is asked for. */
  async *stream(txid: TXID): ByteStream {
    let handle: FileHandle | undefined
    try {
      handle = await open(this.file(txid))
      const buffer = new Uint8Array(STREAM_BYTES)
      for (;;) {
        const { bytesRead } = await handle.read(buffer, 0, buffer.length)
        if (bytesRead === 0) return
        yield buffer.subarray(0, bytesRead)
      }
    } catch (error) {
      throw this.#readError(txid, error)
    } finally {
      await handle?.close()
    }
  }

  /**
   * Open one file for decoding. Whoever reads it to its end has proved its checksum.
   * @throws WriterError WRITER_LTX_MISSING from the first read on
   */
  reader(txid: TXID): LtxReader {
    return new LtxReader(this.stream(txid), { key: this.file(txid) })
  }

  async delete(txids: readonly TXID[]): Promise<void> {
    for (const txid of txids) await rm(this.file(txid), { force: true })
    if (txids.length > 0) await syncDir(this.#directory)
  }

  /** A decoding failure of a local file, in words that say how to go on; anything else as it is. */
  corrupt(txid: TXID, error: unknown): unknown {
    if (!(error instanceof LtxError)) return error
    const path = this.file(txid)
    return new WriterError('WRITER_LTX_CORRUPT', `Local LTX file ${path} is damaged: ${error.message}`, {
      at: { path, txid },
      cause: error,
      hint: `Run "litetap reset" on the database: replication then goes on from the replica with a full image.`,
    })
  }

  #readError(txid: TXID, error: unknown): unknown {
    const path = this.file(txid)
    if (errnoCode(error) !== 'ENOENT') return fileError(error, 'read', path)
    return new WriterError('WRITER_LTX_MISSING', `Local LTX file ${path} is missing (TXID ${formatTXID(txid)})`, {
      at: { path, txid },
      cause: error,
      hint: `Run "litetap reset" on the database: replication then goes on from the replica with a full image.`,
    })
  }
}
