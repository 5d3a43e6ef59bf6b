/** Small: of thousands of databases, most make files of a page or two. */
const INITIAL_CAPACITY = 16 * 1024
/** Memory that is taken over is replaced by as much as before, up to this. */
const KEPT_CAPACITY = 256 * 1024

/** Bytes that were produced and not yet taken. Taking them hands the memory over where that wastes little. */
export class OutputBuffer {
  #bytes = new Uint8Array(INITIAL_CAPACITY)
  #length = 0
  #taken = 0

  /** Bytes waiting to be taken. */
  get length(): number {
    return this.#length
  }

  /** Bytes ever appended. */
  get total(): number {
    return this.#taken + this.#length
  }

  /** Make room for `size` more bytes. @returns the memory to write them to, at `length`; then call `advance` */
  reserve(size: number): Uint8Array<ArrayBuffer> {
    const needed = this.#length + size
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
      larger.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = larger
    }
    return this.#bytes
  }

  advance(size: number): void {
    this.#length += size
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length).set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** All waiting bytes; they are the caller's. */
  take(): Uint8Array<ArrayBuffer> {
    const length = this.#length
    this.#taken += length
    this.#length = 0
    if (length * 2 < this.#bytes.length) return this.#bytes.slice(0, length)
    const taken = this.#bytes.subarray(0, length)
    this.#bytes = new Uint8Array(Math.min(this.#bytes.length, KEPT_CAPACITY))
    return taken
  }

  /** All waiting bytes, as a view that is valid until more are appended. */
  drain(): Uint8Array<ArrayBuffer> {
    const length = this.#length
    this.#taken += length
    this.#length = 0
    return this.#bytes.subarray(0, length)
  }
}
