import { openSync, readSync } from 'node:fs'

const INDEX_HEADER = 48
const FRAME_HEADER = 24

/**
 * Counts the bytes a connection appends to its WAL, from the WAL index's header (wal.c: WalIndexHdr). The descriptor
 * stays open for good: closing it would drop this process's locks on the file.
 */
export class WalMeter {
  #fd: number
  #frameSize: number
  #header = Buffer.alloc(INDEX_HEADER)
  #frames = 0
  #salts = ''
  #bytes = 0

  constructor(databasePath: string, pageSize: number) {
    this.#fd = openSync(`${databasePath}-shm`, 'r')
    this.#frameSize = pageSize + FRAME_HEADER
    this.#read()
  }

  /** Call after each commit. @returns WAL bytes written since the start */
  advance(): number {
    const [frames, salts] = [this.#frames, this.#salts]
    this.#read()
    const fresh = this.#salts === salts ? this.#frames - frames : this.#frames
    this.#bytes += fresh * this.#frameSize
    return this.#bytes
  }

  #read(): void {
    readSync(this.#fd, this.#header, 0, INDEX_HEADER, 0)
    this.#frames = this.#header.readUInt32LE(16)
    this.#salts = this.#header.toString('hex', 32, 40)
  }
}
