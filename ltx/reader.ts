import { Decoder } from './decoder.ts'
import type { Header } from './header.ts'
import type { Page } from './page-frame.ts'
import type { PageIndex } from './page-index.ts'
import type { Trailer } from './trailer.ts'

/**
 * Reads one LTX file from a stream of chunks. A chunk is given back (no longer looked at) before the next is asked
 * for. The cheap loop waits only when bytes are missing:
 *
 * ```ts
 * for (let page = reader.tryNext(); page !== 'end'; page = reader.tryNext()) {
 *   if (page === 'more') await reader.fill()
 *   else use(page)
 * }
 * await reader.close()
 * ```
 */
export class LtxReader {
  readonly #decoder: Decoder
  readonly #chunks: AsyncIterator<Uint8Array>
  #exhausted = false

  /** @param options.key the file's name, for errors */
  constructor(source: AsyncIterable<Uint8Array>, options: { key?: string } = {}) {
    this.#decoder = new Decoder(options)
    this.#chunks = source[Symbol.asyncIterator]()
  }

  /** @throws LtxError as `decodeHeader` */
  async header(): Promise<Header> {
    for (;;) {
      const header = this.#decoder.header()
      if (header) return header
      await this.fill()
    }
  }

  /** The next page without waiting; see `Decoder.nextPage` for how long `data` is valid. */
  tryNext(): Page | 'more' | 'end' {
    return this.#decoder.nextPage()
  }

  /** The LZ4 block of the page last returned; see `Decoder.payload`. */
  get payload(): Uint8Array | undefined {
    return this.#decoder.payload
  }

  /** The frames read so far. */
  get pageIndex(): PageIndex {
    return this.#decoder.pageIndex
  }

  /**
   * Wait for the next chunk, after `more`.
   *
   * @throws LtxError LTX_TRUNCATED when there is none
   */
  async fill(): Promise<void> {
    if (await this.#pull()) return
    this.#decoder.end()
  }

  /** The remaining pages. `data` is valid until the next page is asked for. */
  async *pages(): AsyncGenerator<Page> {
    for (let page = this.tryNext(); page !== 'end'; page = this.tryNext()) {
      if (page === 'more') await this.fill()
      else yield page
    }
  }

  /**
   * Read to the end, pages that were not taken included, and prove the file.
   *
   * @throws LtxError when the file is damaged, incomplete, or goes on after its trailer
   */
  async close(): Promise<Trailer> {
    for (let page = this.tryNext(); page !== 'end'; page = this.tryNext()) if (page === 'more') await this.fill()
    while (await this.#pull());
    return this.#decoder.end()
  }

  /** Stop reading, wherever it is, and let the source go. Never throws. */
  async cancel(): Promise<void> {
    if (this.#exhausted) return
    this.#exhausted = true
    try {
      await this.#chunks.return?.()
    } catch {
      // Nobody waits for this source any more; what went wrong with it cannot matter.
    }
  }

  async #pull(): Promise<boolean> {
    if (this.#exhausted) return false
    const next = await this.#chunks.next()
    if (next.done) {
      this.#exhausted = true
      return false
    }
    this.#decoder.push(next.value)
    return true
  }
}

/**
 * The pages of one LTX file. The file is proved after its last page: an error may come then.
 *
 * @returns pages whose `data` is valid until the next one is asked for
 */
export async function* decodePages(
  source: AsyncIterable<Uint8Array>,
  options: { key?: string } = {},
): AsyncGenerator<Page> {
  const reader = new LtxReader(source, options)
  try {
    yield* reader.pages()
    await reader.close()
  } finally {
    await reader.cancel()
  }
}
