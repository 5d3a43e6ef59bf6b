import { VfsError } from './errors.ts'
import { type Heap, maxTextBytes } from './heap.ts'
import type { SqliteExports } from './sqlite-exports.ts'

/** The one place that takes room in SQLite's memory, and checks that there is some. */
export class Scratch {
  readonly #sqlite: SqliteExports
  readonly #heap: Heap

  constructor(sqlite: SqliteExports, heap: Heap) {
    this.#sqlite = sqlite
    this.#heap = heap
  }

  /**
   * Room until `free`. @param bytes 0 gives an address that is not null, too
   * @throws VfsError VFS_NO_MEMORY
   */
  allocate(bytes: number): number {
    return this.#checked(this.#sqlite.malloc(bytes + 1), bytes)
  }

  free(address: number): void {
    this.#sqlite.free(address)
  }

  /** A NUL-terminated copy of a text until `free`. @returns `bytes` without the NUL. @throws VfsError VFS_NO_MEMORY */
  allocateText(text: string): { readonly address: number; readonly bytes: number } {
    const address = this.allocate(maxTextBytes(text))
    return { address, bytes: this.#write(address, text) }
  }

  /** The same, as memory that SQLite frees itself. @throws VfsError VFS_NO_MEMORY */
  giveText(text: string): number {
    const address = this.#checked(this.#sqlite.sqlite3_malloc(maxTextBytes(text) + 1), text.length)
    this.#write(address, text)
    return address
  }

  /** A NUL-terminated copy of a text for the time of a call. @throws VfsError VFS_NO_MEMORY */
  withText<T>(text: string, use: (address: number, bytes: number) => T): T {
    const { address, bytes } = this.allocateText(text)
    try {
      return use(address, bytes)
    } finally {
      this.free(address)
    }
  }

  /** A copy of bytes for the time of a call. @throws VfsError VFS_NO_MEMORY */
  withBytes<T>(bytes: Uint8Array, use: (address: number) => T): T {
    const address = this.allocate(bytes.length)
    try {
      this.#heap.bytes.set(bytes, address)
      return use(address)
    } finally {
      this.free(address)
    }
  }

  #write(address: number, text: string): number {
    const bytes = this.#heap.writeText(address, text)
    this.#heap.bytes[address + bytes] = 0
    return bytes
  }

  #checked(address: number, bytes: number): number {
    if (address !== 0) return address
    throw new VfsError('VFS_NO_MEMORY', `Cannot go on: SQLite has no room for ${bytes} bytes more`)
  }
}
