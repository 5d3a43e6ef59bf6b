import type { TXID } from '../../../entry/web.ts'
import { type App, databaseNow, reloadMoments, say } from '../app/app.ts'
import { showError } from '../data/error-text.ts'
import { plural } from '../data/format.ts'
import { readSchema } from '../data/schema.ts'
import { openSession } from '../data/session.ts'

/** Opens one replica after another; of several that are asked for at once the last one wins. */
export class Connection {
  readonly #app: App
  #opening = 0

  constructor(app: App) {
    this.#app = app
  }

  /** @returns whether it is open */
  async open(
    url: string,
    token: string,
    view: { at?: TXID | undefined; base?: TXID | undefined } = {},
  ): Promise<boolean> {
    const { store, log } = this.#app
    const turn = ++this.#opening
    const { session: before } = store.get()
    store.set({
      url,
      opening: true,
      session: undefined,
      trouble: undefined,
      files: [],
      moments: [],
      at: view.at,
      base: view.base,
      schema: undefined,
      run: undefined,
      comparison: undefined,
      plan: undefined,
      pages: undefined,
      newest: undefined,
    })
    await before?.close()
    try {
      const session = await openSession(url, token, log)
      if (turn !== this.#opening) {
        await session.close()
        return false
      }
      store.set({ session })
      await reloadMoments(this.#app, session)
      await refreshSchema(this.#app)
      store.set({ opening: false })
      const { schema, moments } = store.get()
      say(this.#app, `Opened: ${plural(schema?.relations.length ?? 0, 'table')}, ${plural(moments.length, 'moment')}`)
      return true
    } catch (error) {
      if (turn === this.#opening) store.set({ opening: false, trouble: showError(error) })
      return false
    }
  }
}

/** Read the schema at the moment that is looked at. Trouble is shown; the schema known before stays. */
export async function refreshSchema(app: App): Promise<void> {
  const { session } = app.store.get()
  if (session === undefined) return
  const { signal } = new AbortController()
  try {
    const schema = await readSchema(await databaseNow(app, session, signal), signal)
    const { session: current, schema: known } = app.store.get()
    if (current !== session) return
    // The same schema is the same value, so that nothing is drawn anew.
    const same = known?.version === schema.version && known.pages === schema.pages
    app.store.set({ trouble: undefined, ...(!same && { schema }) })
  } catch (error) {
    app.store.set({ trouble: showError(error) })
  }
}
