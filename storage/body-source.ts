import { closeBody } from './body.ts'
import type { ByteStream } from './types.ts'

const FRONT_BYTES = 256 * 1024

/**
 * A body read into buffers of the reader's own, one after the other: whoever owns the buffers bounds the memory.
 * One `fill` at a time.
 */
export class BodySource {
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #body: Uint8Array | ByteStream
  /** Bytes that were read and not given out, in order. */
  #pending: Uint8Array[] = []
  #ended = false

  constructor(body: Uint8Array | ByteStream) {
    this.#body = body
    this.#chunks = (async function* () {
      if (body instanceof Uint8Array) yield body
      else yield* body
    })()
  }

  /** True when all has been given out. */
  get ended(): boolean {
    return this.#ended && this.#pending.length === 0
  }

  /**
   * Fill the buffer, or as much of it as there is; then look ahead, so that `ended` is right.
   * @returns bytes written to its front
   */
  async fill(into: Uint8Array): Promise<number> {
    let filled = 0
    for (;;) {
      const chunk = this.#pending.shift() ?? (await this.#next())
      if (chunk === undefined) return filled
      const take = Math.min(chunk.length, into.length - filled)
      into.set(chunk.subarray(0, take), filled)
      filled += take
      if (take === chunk.length) continue
      this.#pending.unshift(chunk.subarray(take))
      return filled
    }
  }

  /** Up to `limit` bytes of a body whose length is unknown, in a buffer that grows with it. */
  async takeFront(limit: number): Promise<Uint8Array> {
    let front: Uint8Array = new Uint8Array(Math.min(limit, FRONT_BYTES))
    let length = await this.fill(front)
    while (!this.ended && front.length < limit) {
      const larger = new Uint8Array(Math.min(limit, front.length * 4))
      larger.set(front)
      front = larger
      length += await this.fill(front.subarray(length))
    }
    return front.subarray(0, length)
  }

  /** Give bytes out again, before everything else. They must stay as they are until then. */
  putBack(bytes: Uint8Array): void {
    this.#pending.unshift(bytes)
  }

  /** Read no further. Never fails. */
  async close(): Promise<void> {
    this.#pending = []
    await this.#chunks.return?.().catch(() => {})
    await closeBody(this.#body)
  }

  async #next(): Promise<Uint8Array | undefined> {
    if (this.#ended) return undefined
    const { done, value } = await this.#chunks.next()
    if (!done) return value
    this.#ended = true
    return undefined
  }
}
