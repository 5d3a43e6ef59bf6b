const LEAST_BYTES = 4096

/**
 * Memory that is used again and again by one user at a time, and left to the garbage collector when it is not: fresh
 * buffers for every use would pile up, for the collector hardly notices what lies outside its own heap
 * (measured: 236 MB at the peak instead of 100, uploading ten files of 1 MB a second).
 */
export class ScratchMemory {
  #memory: WeakRef<Uint8Array> | undefined

  /** So many bytes, with anything in them. They are the caller's until the next call. */
  take(size: number): Uint8Array {
    const memory = this.#memory?.deref()
    if (memory && memory.length >= size) return memory.subarray(0, size)
    const larger = new Uint8Array(2 ** Math.ceil(Math.log2(Math.max(size, LEAST_BYTES))))
    this.#memory = new WeakRef(larger)
    return larger.subarray(0, size)
  }
}
