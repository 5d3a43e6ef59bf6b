import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { WalFrameHeader, WalHeader } from './wal.ts'
import { parseWalFrameHeader, parseWalHeader, WAL_FRAME_HEADER_SIZE, WAL_HEADER_SIZE } from './wal.ts'

/**
 * A read-only descriptor on a `-wal` file. It holds no lock: opening and closing it is harmless,
 * because SQLite's locks live on the database file and on `-shm`.
 */
export class WalFile {
  readonly path: string
  readonly #fd: number
  readonly #header = new Uint8Array(WAL_HEADER_SIZE)

  private constructor(path: string, fd: number) {
    this.path = path
    this.#fd = fd
  }

  /** @returns undefined when there is no such file */
  static open(path: string): WalFile | undefined {
    try {
      return new WalFile(path, openSync(path, 'r'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  /** Bytes in the file, stale frames of an older generation included. */
  size(): number {
    return fstatSync(this.#fd).size
  }

  inode(): number {
    return fstatSync(this.#fd).ino
  }

  /** @returns undefined when the WAL is empty or its header is torn */
  header(): WalHeader | undefined {
    const length = this.read(this.#header, 0)
    return parseWalHeader(this.#header.subarray(0, length))
  }

  /** @returns undefined where no frame can be: in front of the first, or when the file ends before the whole header */
  frameHeader(offset: number): WalFrameHeader | undefined {
    if (offset < WAL_HEADER_SIZE) return undefined
    const bytes = new Uint8Array(WAL_FRAME_HEADER_SIZE)
    return this.read(bytes, offset) < bytes.length ? undefined : parseWalFrameHeader(bytes)
  }

  /** Fill `into` from `offset` as far as the file reaches. @returns bytes read */
  read(into: Uint8Array, offset: number): number {
    return readFully(this.#fd, into, offset)
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/** `pread` until `into` is full or the file ends. @returns bytes read */
export function readFully(fd: number, into: Uint8Array, offset: number): number {
  let done = 0
  while (done < into.length) {
    const n = readSync(fd, into, done, into.length - done, offset + done)
    if (n === 0) break
    done += n
  }
  return done
}
