/** Something to be written. */
export type QueuedWrite =
  | { readonly kind: 'page'; readonly file: string; readonly pgno: number; readonly bytes: Uint8Array }
  | { readonly kind: 'blob'; readonly name: string; readonly bytes: Uint8Array }

/** Writes that wait for their transaction: first in, first out, bounded in bytes. */
export class WriteQueue {
  readonly #maxBytes: number
  #items: QueuedWrite[] = []
  /** Items before it are gone; they are cut off now and then, not one by one. */
  #head = 0
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get length(): number {
    return this.#items.length - this.#head
  }

  /** Add one. When there is no room the oldest go, but never the newest: a blob may be larger than the queue. */
  push(item: QueuedWrite): { readonly dropped: number } {
    this.#items.push(item)
    this.#bytes += item.bytes.length
    let dropped = 0
    for (; this.#bytes > this.#maxBytes && this.length > 1; dropped++) this.#shift()
    return { dropped }
  }

  /** Take the oldest: at least one, and more while they are at most `maxBytes` and `maxItems` together. */
  take(maxItems: number, maxBytes: number): QueuedWrite[] {
    const batch: QueuedWrite[] = []
    let bytes = 0
    while (this.length > 0 && batch.length < maxItems) {
      const next = this.#items[this.#head]!
      bytes += next.bytes.length
      if (batch.length > 0 && bytes > maxBytes) break
      batch.push(this.#shift())
    }
    return batch
  }

  #shift(): QueuedWrite {
    const item = this.#items[this.#head++]!
    this.#bytes -= item.bytes.length
    if (this.#head > 1024 || this.#head === this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }
}
