import { type App, say } from '../app/app.ts'
import type { Comparison } from '../app/state.ts'
import { chooseKey } from '../data/choose-key.ts'
import { allColumns, diffRows, type RowSet } from '../data/diff-rows.ts'
import { showError } from '../data/error-text.ts'
import { plural } from '../data/format.ts'
import { momentAt } from '../data/moments.ts'
import { Cancelled, collect } from './query-runner.ts'

/** Runs a query at both moments and puts the rows side by side. */
export class Comparer {
  readonly #app: App
  #controller: AbortController | undefined
  #results: { before: RowSet; after: RowSet } | undefined

  constructor(app: App) {
    this.#app = app
  }

  cancel(): void {
    this.#controller?.abort(new Cancelled('The comparison was cancelled'))
  }

  /** Does nothing where there are no two moments. */
  async compare(sql: string): Promise<void> {
    const { store } = this.#app
    const { session, base, at, moments, limit } = store.get()
    const before = base === undefined ? undefined : momentAt(moments, base)
    const after = at === undefined ? moments.at(-1) : momentAt(moments, at)
    if (!session || !before || !after || sql.trim() === '') return
    this.cancel()
    const controller = new AbortController()
    this.#controller = controller
    const started: Comparison = { ...EMPTY, sql, before, after }
    store.set({ comparison: started })
    let comparison: Comparison
    try {
      const { signal } = controller
      const [old, now] = await Promise.all(
        [before, after].map(async ({ txid }) =>
          collect(await session.db.at({ txid }, { signal }), sql, { limit, signal }),
        ),
      )
      this.#results = { before: old!, after: now! }
      comparison = this.#aligned(started)
    } catch (error) {
      comparison = { ...started, status: 'failed', error: showError(error) }
    }
    if (this.#controller !== controller) return
    this.#controller = undefined
    store.set({ comparison })
    say(this.#app, comparisonText(comparison))
  }

  /** Match the rows by another column. @param column undefined to choose */
  matchBy(column: string | undefined): void {
    const { store } = this.#app
    store.set({ keyColumn: column })
    const { comparison } = store.get()
    if (comparison?.status === 'done' && this.#results) store.set({ comparison: this.#aligned(comparison) })
  }

  #aligned(comparison: Comparison): Comparison {
    const { before, after } = this.#results!
    const { keyColumn, schema } = this.#app.store.get()
    const key = chooseKey(comparison.sql, { before, after }, keyColumn, schema)
    const columns = allColumns(before.columns, after.columns)
    return { ...comparison, status: 'done', key, columns, rows: diffRows(before, after, key) }
  }
}

const EMPTY = { status: 'running', columns: [], rows: [], key: [], error: undefined } as const

export function comparisonText({ status, rows, error }: Comparison): string {
  if (status === 'running') return 'Comparing'
  if (status === 'failed') return `Cannot compare: ${error?.message ?? ''}`
  const count = (kind: string): number => rows.filter((row) => row.kind === kind).length
  return `${plural(count('added'), 'row')} added, ${count('removed')} removed, ${count('changed')} changed, ${count('same')} the same`
}
