import { type App, databaseNow } from '../app/app.ts'
import { showError } from '../data/error-text.ts'
import { momentAt } from '../data/moments.ts'
import { pageStates } from '../data/page-states.ts'

/** Draws the map of pages anew when something may have changed in it, while it is being looked at. */
export class PageMapper {
  readonly #app: App
  #busy = false
  #due = false
  /** What the map that is shown was made of. */
  #made: readonly unknown[] = []

  constructor(app: App) {
    this.#app = app
    app.store.on(['session', 'inspectorTab', 'moments', 'at', 'base', 'run', 'requests'], () => void this.#update())
  }

  async #update(): Promise<void> {
    this.#due = true
    if (this.#busy) return
    this.#busy = true
    try {
      while (this.#due) {
        this.#due = false
        await this.#map()
      }
    } finally {
      this.#busy = false
    }
  }

  async #map(): Promise<void> {
    const { store, log } = this.#app
    const { session, inspectorTab, files, moments, at, base, run } = store.get()
    if (!session || inspectorTab !== 'pages' || run?.status === 'running') return
    const moment = at === undefined ? moments.at(-1) : momentAt(moments, at)
    const since = base ?? (moment && moments[moments.indexOf(moment) - 1]?.txid)
    const received = log.requests.filter(({ asker, endedAt }) => asker === 'query' && endedAt !== undefined).length
    const making = [session, moment?.txid, since, run, received]
    if (making.every((part, i) => part === this.#made[i])) return
    this.#made = making
    try {
      const db = await databaseNow(this.#app, session, new AbortController().signal)
      const before = run?.txid === db.txid ? run.pagesBefore : undefined
      const changed = since === undefined ? undefined : await session.changes.between(files, since, db.txid)
      if (store.get().session === session) store.set({ pages: pageStates(db, { base: since, before, changed }) })
    } catch (error) {
      if (store.get().session === session) store.set({ trouble: showError(error) })
    }
  }
}
