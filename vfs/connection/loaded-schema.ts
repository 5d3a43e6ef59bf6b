import type { Pgno } from '../../ltx/index.ts'
import { sameSchemaPage } from '../engine/page-one.ts'
import type { PageReader } from '../engine/page-reader.ts'

interface SchemaPage {
  readonly identity: string | undefined
  /** Bytes that others share. */
  readonly page: Uint8Array
}

/**
 * The pages from which SQLite loaded its schema. A schema cookie is a number that two databases share when they were built
 * in the same number of steps; the pages are what was read.
 */
export class LoadedSchema {
  readonly #pages: Map<number, SchemaPage>

  private constructor(pages: Map<number, SchemaPage>) {
    this.#pages = pages
  }

  /** @param pgnos all pages that loading has read. @throws what fetching throws, where one has left the cache already */
  static async of(pgnos: Iterable<Pgno>, source: PageReader): Promise<LoadedSchema> {
    const wanted = [...pgnos]
    const pages = await pagesOf(wanted, source)
    return new LoadedSchema(
      new Map(wanted.map((pgno, i) => [pgno, { identity: source.identity(pgno), page: pages[i]! }])),
    )
  }

  /**
   * Whether a state has the same schema: each of its pages is the same page, or says the same.
   * @throws what fetching throws
   */
  async isThatOf(source: PageReader): Promise<boolean> {
    const moved = [...this.#pages].filter(([pgno, { identity }]) => {
      return identity === undefined || source.identity(pgno) !== identity
    })
    if (moved.some(([pgno]) => pgno > source.state.commit)) return false
    const pages = await pagesOf(
      moved.map(([pgno]) => pgno),
      source,
    )
    if (!moved.every(([pgno, { page }], i) => sameSchemaPage(pgno, page, pages[i]!))) return false
    for (const [i, [pgno]] of moved.entries()) {
      this.#pages.set(pgno, { identity: source.identity(pgno), page: pages[i]! })
    }
    return true
  }
}

/** Pages in one round. Those that were at hand are kept: while the others come, a small cache lets go of them. */
async function pagesOf(pgnos: readonly Pgno[], source: PageReader): Promise<Uint8Array[]> {
  const atHand = pgnos.map((pgno) => source.get(pgno))
  const missing = pgnos.filter((_, i) => atHand[i] === undefined)
  if (missing.length > 0) await source.hold(missing)
  try {
    return pgnos.map((pgno, i) => atHand[i] ?? source.get(pgno)!)
  } finally {
    source.release()
  }
}
