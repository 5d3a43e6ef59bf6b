import type { PageStore, StoredPage } from '../../pagecache/index.ts'

/** Keeps everything, as long as the test. */
export class MemoryStore implements PageStore {
  readonly #pages = new Map<string, Uint8Array>()
  readonly #blobs = new Map<string, Uint8Array>()

  read(file: string, pgnos: readonly number[]) {
    return pgnos.map((pgno) => this.#pages.get(`${file} ${pgno}`)?.slice())
  }

  write(file: string, pages: Iterable<StoredPage>): void {
    for (const [pgno, page] of pages) this.#pages.set(`${file} ${pgno}`, page.slice())
  }

  async readBlob(name: string) {
    return this.#blobs.get(name)
  }

  writeBlob(name: string, bytes: Uint8Array): void {
    this.#blobs.set(name, bytes)
  }

  async flush(): Promise<void> {}
  async close(): Promise<void> {}
}
