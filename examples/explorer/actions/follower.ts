import { type App, reloadMoments, say } from '../app/app.ts'
import { showError } from '../data/error-text.ts'
import { shortTXID } from '../data/format.ts'
import type { Session } from '../data/session.ts'
import { refreshSchema } from './connection.ts'
import type { QueryRunner } from './query-runner.ts'

const POLL_MS = 1000

/** Looks for new transactions while the page is live: when the store announces them, or each second. */
export class Follower {
  readonly #app: App
  readonly #runner: QueryRunner
  #end: (() => void) | undefined

  constructor(app: App, runner: QueryRunner) {
    this.#app = app
    this.#runner = runner
    app.store.on(['live', 'session'], ({ live, session }) => {
      this.#end?.()
      this.#end = live && session ? this.#follow(session) : undefined
    })
  }

  #follow(session: Session): () => void {
    let ended = false
    let looking = false
    const look = async (): Promise<void> => {
      if (ended || looking) return
      looking = true
      try {
        await this.#look(session)
      } finally {
        looking = false
      }
    }
    const watch = session.client.watch?.(() => void look())
    const timer = setInterval(() => {
      if (!watch?.live) void look()
    }, POLL_MS)
    void look()
    return () => {
      ended = true
      clearInterval(timer)
      watch?.close()
    }
  }

  async #look(session: Session): Promise<void> {
    const { store } = this.#app
    try {
      const txid = await session.db.refresh()
      const { newest, trouble, session: current } = store.get()
      if (current !== session) return
      if (trouble) store.set({ trouble: undefined })
      if (txid === newest) return
      await reloadMoments(this.#app, session)
      say(this.#app, `New transaction ${shortTXID(txid)}`)
      await this.#showNewest()
    } catch (error) {
      if (store.get().session === session) store.set({ trouble: showError(error) })
    }
  }

  /** Who looks at the newest state sees it change. */
  async #showNewest(): Promise<void> {
    const { at, run } = this.#app.store.get()
    if (at !== undefined) return
    await refreshSchema(this.#app)
    if (run?.status === 'done') await this.#runner.run(run.sql, { quiet: true })
  }
}
