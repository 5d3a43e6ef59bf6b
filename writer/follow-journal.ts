import { closeSync, openSync, readSync, writevSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { TXID } from '../ltx/index.ts'
import { writeAll } from './durable-file.ts'

const MAGIC = 0xd9d505f920a163d7n
/** The header takes a whole sector; ours is the smallest SQLite knows. */
const SECTOR_BYTES = 512
const BUFFER_BYTES = 1024 * 1024
const READ_BYTES = 4 * 1024 * 1024

export interface JournalInfo {
  readonly pageSize: number
  /** Database size in pages once the journal has been played. */
  readonly commit: number
}

/**
 * Patch page 1 of a database image in place, for readers that use a rollback journal: bytes 18/19 say so,
 * and the change counter (24, valid for 92) is the TXID's low half, so that it changes whenever the content
 * does; 28 is the size in pages (facts 6.5, 11). The writer's version number (96) is 0, which no SQLite writes:
 * it tells our page 1 from one that somebody else wrote after us.
 */
export function patchPageOne(page: Uint8Array, txid: TXID, commit: number): void {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength)
  view.setUint16(18, 0x0101)
  const counter = changeCounter(txid)
  view.setUint32(24, counter)
  view.setUint32(28, commit)
  view.setUint32(92, counter)
  view.setUint32(96, 0)
}

/** The change counter of a follower at `txid`. */
export function changeCounter(txid: TXID): number {
  return Number(BigInt.asUintN(32, txid))
}

/**
 * Writes a SQLite rollback journal that holds the pages of the *next* state. Who finds it beside a database, and
 * no writer at work, plays it: SQLite's crash recovery then goes forward instead of back.
 *
 * Format: https://www.sqlite.org/fileformat2.html#the_rollback_journal (all fields big-endian).
 */
export class JournalWriter {
  readonly #file: FileHandle
  readonly #pageSize: number
  readonly #nonce: number
  readonly #buffer: Uint8Array
  readonly #view: DataView
  #filled = 0
  #position = SECTOR_BYTES
  #records = 0

  private constructor(file: FileHandle, pageSize: number, nonce: number) {
    this.#file = file
    this.#pageSize = pageSize
    this.#nonce = nonce
    this.#buffer = new Uint8Array(BUFFER_BYTES)
    this.#view = new DataView(this.#buffer.buffer)
  }

  static async create(path: string, pageSize: number, nonce: number): Promise<JournalWriter> {
    return new JournalWriter(await open(path, 'w'), pageSize, nonce)
  }

  get bytes(): number {
    return this.#position + this.#filled
  }

  /** Add a page, each at most once; it is copied before this returns, or before the promise resolves. */
  write(pgno: number, page: Uint8Array): Promise<void> | undefined {
    const size = this.#pageSize + 8
    if (this.#filled + size > BUFFER_BYTES) return this.#flush().then(() => this.write(pgno, page))
    const at = this.#filled
    this.#view.setUint32(at, pgno)
    this.#buffer.set(page, at + 4)
    this.#view.setUint32(at + 4 + this.#pageSize, journalChecksum(page, this.#nonce))
    this.#filled += size
    this.#records++
    return undefined
  }

  /** Complete the journal and make its content durable. */
  async finish(commit: number): Promise<void> {
    await this.#flush()
    const header = new DataView(new ArrayBuffer(SECTOR_BYTES))
    header.setBigUint64(0, MAGIC)
    header.setUint32(8, this.#records)
    header.setUint32(12, this.#nonce)
    header.setUint32(16, commit)
    header.setUint32(20, SECTOR_BYTES)
    header.setUint32(24, this.#pageSize)
    await writeAll(this.#file, new Uint8Array(header.buffer), 0)
    await this.#file.sync()
    await this.#file.close()
  }

  /** Give up; the file stays for the caller to remove. */
  async abandon(): Promise<void> {
    await this.#file.close().catch(() => {})
  }

  async #flush(): Promise<void> {
    await writeAll(this.#file, this.#buffer.subarray(0, this.#filled), this.#position)
    this.#position += this.#filled
    this.#filled = 0
  }
}

/**
 * Write a journal's pages to their places in the database, synchronously. Neighbouring pages go out in one call.
 *
 * @param database a descriptor open for writing
 */
export function playJournal(path: string, database: number, { pageSize }: JournalInfo): void {
  const record = pageSize + 8
  const buffer = Buffer.allocUnsafeSlow(Math.floor(READ_BYTES / record) * record)
  const journal = openSync(path, 'r')
  try {
    for (let position = SECTOR_BYTES; ; ) {
      const bytes = readSync(journal, buffer, 0, buffer.byteLength, position)
      const whole = bytes - (bytes % record)
      if (whole === 0) return
      writeRecords(buffer.subarray(0, whole), database, pageSize)
      position += whole
    }
  } finally {
    closeSync(journal)
  }
}

/** Linux and macOS take at most 1024 buffers in one call. */
const MAX_BUFFERS = 1024

function writeRecords(records: Buffer, database: number, pageSize: number): void {
  let run: Buffer[] = []
  let first = 0
  const flush = () => {
    if (run.length > 0) writeFully(database, run, (first - 1) * pageSize)
    run = []
  }
  for (let at = 0; at < records.byteLength; at += pageSize + 8) {
    const pgno = records.readUInt32BE(at)
    if (pgno !== first + run.length || run.length === MAX_BUFFERS) flush()
    if (run.length === 0) first = pgno
    run.push(records.subarray(at + 4, at + 4 + pageSize))
  }
  flush()
}

function writeFully(file: number, buffers: Buffer[], position: number): void {
  let written = writevSync(file, buffers, position)
  for (const buffer of buffers) {
    if (written >= buffer.byteLength) {
      written -= buffer.byteLength
      position += buffer.byteLength
      continue
    }
    // A short write: send the rest of this buffer and all after it again.
    const rest = [buffer.subarray(written), ...buffers.slice(buffers.indexOf(buffer) + 1)]
    writeFully(file, rest, position + written)
    return
  }
}

function journalChecksum(page: Uint8Array, nonce: number): number {
  let sum = nonce
  for (let i = page.byteLength - 200; i > 0; i -= 200) sum += page[i]!
  return sum >>> 0
}
