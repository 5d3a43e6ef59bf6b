import type { MaybePage, PageStore, StoredPage } from '../../pagecache/index.ts'
import type { VirtualTime } from './virtual-time.ts'

/** A tier of pages that outlives its replica: answers late, writes later, forgets. */
export class KeptPages implements PageStore {
  readonly #time: VirtualTime
  readonly #random: () => number
  readonly #pages = new Map<string, Uint8Array>()
  readonly #blobs = new Map<string, Uint8Array>()
  #queue: Promise<void> = Promise.resolve()

  constructor(time: VirtualTime, random: () => number) {
    this.#time = time
    this.#random = random
  }

  async read(file: string, pgnos: readonly number[]): Promise<MaybePage[]> {
    if (this.#random() < 0.5) await this.#time.sleep(this.#random() * 2)
    return pgnos.map((pgno) => {
      const page = this.#pages.get(`${file} ${pgno}`)
      return page && this.#random() < 0.95 ? new Uint8Array(page) : undefined
    })
  }

  write(file: string, pages: Iterable<StoredPage>): void {
    const copies = Array.from(pages, ([pgno, page]) => [pgno, new Uint8Array(page)] as const)
    this.#later(() => {
      for (const [pgno, page] of copies) this.#pages.set(`${file} ${pgno}`, page)
    })
  }

  async readBlob(name: string): Promise<MaybePage> {
    await this.#time.sleep(this.#random())
    const bytes = this.#blobs.get(name)
    return bytes && new Uint8Array(bytes)
  }

  writeBlob(name: string, bytes: Uint8Array): void {
    this.#later(() => this.#blobs.set(name, bytes))
  }

  async flush(): Promise<void> {
    await this.#queue
  }

  async close(): Promise<void> {
    await this.#queue
  }

  #later(work: () => void): void {
    this.#queue = this.#queue.then(() => this.#time.sleep(this.#random())).then(work)
  }
}
