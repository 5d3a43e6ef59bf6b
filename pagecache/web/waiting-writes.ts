import type { StoredPage } from '../page-store.ts'
import { chunkOf } from './chunk.ts'
import type { ChunkName } from './directory.ts'

/** Pages of one chunk that wait to be stored. */
export interface WaitingChunk {
  readonly name: ChunkName
  readonly pages: Map<number, Uint8Array>
}

/** What waits to be stored, by where it goes: bounded in bytes of pages. */
export class WaitingWrites {
  readonly #maxBytes: number
  #chunks = new Map<string, WaitingChunk>()
  #blobs = new Map<string, Uint8Array>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** @returns how many found no room */
  add(file: string, pages: Iterable<StoredPage>): number {
    let dropped = 0
    for (const [pgno, page] of pages) {
      if (this.#bytes + page.length > this.#maxBytes) {
        dropped++
        continue
      }
      const name = { file, chunk: chunkOf(pgno) }
      const key = `${name.chunk} ${file}`
      const group = this.#chunks.get(key) ?? { name, pages: new Map() }
      this.#chunks.set(key, group)
      group.pages.set(pgno, page)
      this.#bytes += page.length
    }
    return dropped
  }

  addBlob(url: string, bytes: Uint8Array): void {
    this.#blobs.set(url, bytes)
  }

  /** All of it, which waits no longer. */
  take(): { readonly chunks: readonly WaitingChunk[]; readonly blobs: readonly (readonly [string, Uint8Array])[] } {
    const taken = { chunks: [...this.#chunks.values()], blobs: [...this.#blobs] }
    this.#chunks = new Map()
    this.#blobs = new Map()
    this.#bytes = 0
    return taken
  }
}
