import type { Query } from '../../reader/scenarios.ts'
import { canonicalRows, type Rows } from '../../support/canonical-rows.ts'

/** One way to query the database from a page, opened. */
export interface PageReader {
  query(query: Query): Promise<Rows>
}

/** A subject's code, loaded, with nothing of the database read yet. */
export type OpenReader = () => Promise<PageReader>

export interface PageAnswer {
  readonly ms: number
  /** As text, so that answers can be compared. */
  readonly rows: string
}

/** What the benchmark calls in a page; the clock is the page's. */
export interface Page {
  load(): Promise<void>
  /** Open the database and ask the first query. */
  open(first: Query): Promise<PageAnswer>
  query(query: Query): Promise<PageAnswer>
}

/** Make a subject available to the benchmark, as the page's global `subject`. */
export function offer(load: () => Promise<OpenReader>): void {
  let open: OpenReader
  let reader: PageReader
  const ask = async (query: Query, before: () => Promise<void>): Promise<PageAnswer> => {
    const started = performance.now()
    await before()
    const rows = await reader.query(query)
    const ms = performance.now() - started
    return { ms, rows: canonicalRows(rows) }
  }
  const subject: Page = {
    load: async () => {
      open = await load()
    },
    open: (first) =>
      ask(first, async () => {
        reader = await open()
      }),
    query: (query) => ask(query, async () => {}),
  }
  Object.assign(globalThis, { subject })
}
