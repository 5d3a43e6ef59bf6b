const EMPTY = new Uint8Array(0)

/**
 * Bytes that arrive in chunks and are read in pieces. A piece that lies within one chunk is read in place; only a
 * piece that was cut is put together, in a small buffer of its own.
 */
export class ByteQueue {
  /** After `peek`: where the bytes asked for are, from `at` on. Valid until the next `peek`, `push` or `detach`. */
  bytes: Uint8Array = EMPTY
  at = 0
  /** Bytes read so far. */
  offset = 0

  #chunk: Uint8Array = EMPTY
  #position = 0
  /** Put-together bytes `[start, end)`; they come before what is left of the chunk. */
  #carry = new Uint8Array(256)
  #start = 0
  #end = 0
  /** How many bytes at the end of `carry` are also the chunk's, just before `position`. */
  #borrowed = 0

  /** Bytes waiting to be read. */
  get length(): number {
    return this.#end - this.#start + this.#chunk.length - this.#position
  }

  /** Add a chunk. It is not copied: it must not change until it has been read or `detach` was called. */
  push(chunk: Uint8Array): void {
    this.detach()
    this.#chunk = chunk
    this.#position = 0
    this.#borrowed = 0
  }

  /** Copy what is left of the chunk, so that its owner may have it back. */
  detach(): void {
    this.#append(this.#chunk.length - this.#position)
    this.#chunk = EMPTY
    this.#position = 0
    this.#borrowed = 0
  }

  /** True when `size` bytes are there; `bytes` and `at` then say where. They stay in the queue. */
  peek(size: number): boolean {
    const carried = this.#end - this.#start
    if (carried === 0) {
      this.bytes = this.#chunk
      this.at = this.#position
      return this.#chunk.length - this.#position >= size
    }
    if (this.length < size) return false
    if (carried < size) this.#append(size - carried)
    this.bytes = this.#carry
    this.at = this.#start
    return true
  }

  /** Bytes that can be read at `bytes[at]` after `peek`: at least what was asked for. */
  get contiguous(): number {
    return this.#end === this.#start ? this.#chunk.length - this.#position : this.#end - this.#start
  }

  /** Drop bytes that were peeked at. What `bytes` and `at` say stays readable. */
  skip(size: number): void {
    this.offset += size
    if (this.#end === this.#start) {
      this.#position += size
      return
    }
    this.#start += size
    const rest = this.#end - this.#start
    if (rest <= this.#borrowed) {
      // All that is left was copied from this chunk: read on in the chunk itself.
      this.#position -= rest
      this.#start = 0
      this.#end = 0
      this.#borrowed = 0
    }
  }

  /** Move the next `size` bytes of the chunk into the carry. */
  #append(size: number): void {
    if (size === 0) return
    if (this.#end + size > this.#carry.length) this.#makeRoom(size)
    this.#carry.set(this.#chunk.subarray(this.#position, this.#position + size), this.#end)
    this.#end += size
    this.#position += size
    this.#borrowed += size
  }

  #makeRoom(size: number): void {
    const held = this.#end - this.#start
    if (held + size > this.#carry.length) {
      const larger = new Uint8Array(2 * (held + size))
      larger.set(this.#carry.subarray(this.#start, this.#end))
      this.#carry = larger
    } else this.#carry.copyWithin(0, this.#start, this.#end)
    this.#start = 0
    this.#end = held
  }
}
