import type { Cost, Database } from '../../../entry/web.ts'
import { type App, databaseNow, reloadMoments, say } from '../app/app.ts'
import type { Run } from '../app/state.ts'
import { showError } from '../data/error-text.ts'
import { formatMs, plural } from '../data/format.ts'
import { type Cells, runQuery } from '../data/run-query.ts'
import type { Session } from '../data/session.ts'

/** Rows that have come are shown at most so often. */
const SHOW_MS = 100
const MAX_HISTORY = 100

export class Cancelled extends Error {
  override readonly name = 'Cancelled'
}

/** Runs one query at a time: a new one ends the one before it. */
export class QueryRunner {
  readonly #app: App
  #controller: AbortController | undefined

  constructor(app: App) {
    this.#app = app
  }

  cancel(): void {
    this.#controller?.abort(new Cancelled('The query was cancelled'))
  }

  /**
   * Run a query at the moment that is looked at.
   * @param quiet the result before stays until this one is complete, and it is not written into the history
   * @returns its outcome; undefined when there is nothing to be asked, or another query has taken its place
   */
  async run(sql: string, { quiet = false } = {}): Promise<Run | undefined> {
    const { store } = this.#app
    const { session, limit } = store.get()
    if (session === undefined || sql.trim() === '') return undefined
    this.cancel()
    const controller = new AbortController()
    this.#controller = controller
    const { signal } = controller
    const rows: Cells[] = []
    let run = beginRun(sql, rows)
    const publish = (patch: Partial<Run>, shown = !quiet): void => {
      run = { ...run, ...patch }
      if (shown && this.#controller === controller) store.set({ run })
    }
    publish({})
    const showing = setInterval(() => rows.length > run.count && publish({ count: rows.length }), SHOW_MS)
    let cost: Cost | undefined
    let outcome: Partial<Run>
    try {
      const db = await databaseNow(this.#app, session, signal)
      publish({ txid: db.txid, timestamp: db.timestamp, pagesBefore: db.pageMap() })
      const capped = await runQuery(db, sql, {
        signal,
        limit,
        onColumns: (columns) => publish({ columns }),
        onRow: (row) => {
          rows.push(row)
          if (rows.length === 1) publish({ count: 1 })
        },
        onCost: (spent) => {
          cost = spent
        },
      })
      outcome = { status: 'done', capped }
    } catch (error) {
      const cancelled = signal.aborted
      outcome = { status: cancelled ? 'cancelled' : 'failed', error: cancelled ? undefined : showError(error) }
    }
    clearInterval(showing)
    publish({ ...outcome, count: rows.length, cost, endedAt: performance.now() }, true)
    if (this.#controller !== controller) return undefined
    this.#controller = undefined
    if (!quiet) this.#remember(run)
    await this.#noticeNewer(session, run)
    return run
  }

  #remember(run: Run): void {
    const { store } = this.#app
    // The rows of the last query alone are kept.
    const entry = { ...run, rows: [], pagesBefore: undefined }
    store.set({ history: [entry, ...store.get().history].slice(0, MAX_HISTORY) })
    say(this.#app, outcomeText(run))
  }

  /** A query on the newest state may have found one that is newer than all known before. */
  async #noticeNewer(session: Session, run: Run): Promise<void> {
    const { newest } = this.#app.store.get()
    if (run.txid === undefined || newest === undefined || run.txid <= newest) return
    await reloadMoments(this.#app, session).catch(() => {}) // the next look will tell
  }
}

function beginRun(sql: string, rows: readonly Cells[]): Run {
  return {
    status: 'running',
    sql,
    columns: [],
    rows,
    count: 0,
    capped: false,
    txid: undefined,
    timestamp: undefined,
    pagesBefore: undefined,
    startedAt: performance.now(),
    endedAt: undefined,
    cost: undefined,
    error: undefined,
  }
}

/** What became of a query, in one line. */
export function outcomeText(run: Run): string {
  const took = formatMs((run.endedAt ?? performance.now()) - run.startedAt)
  if (run.status === 'failed') return `Failed: ${run.error?.message ?? ''}`
  if (run.status === 'cancelled') return `Cancelled after ${took}, ${plural(run.count, 'row')}`
  return `${plural(run.count, 'row')}${run.capped ? ', more were not fetched' : ''} in ${took}`
}

/** All rows of a query on a fixed state. */
export async function collect(
  db: Database,
  sql: string,
  { limit, signal }: { limit: number; signal: AbortSignal },
): Promise<{ columns: readonly string[]; rows: Cells[] }> {
  const rows: Cells[] = []
  let columns: readonly string[] = []
  await runQuery(db, sql, {
    signal,
    limit,
    onColumns: (names) => {
      columns = names
    },
    onRow: (row) => rows.push(row),
  })
  return { columns, rows }
}
