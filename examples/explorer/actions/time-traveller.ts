import type { TXID } from '../../../entry/web.ts'
import { type App, say } from '../app/app.ts'
import { formatTime, shortTXID } from '../data/format.ts'
import type { Comparer } from './comparer.ts'
import { refreshSchema } from './connection.ts'
import type { QueryRunner } from './query-runner.ts'

/** While a slider is being dragged, queries wait until it rests for so long. */
const REST_MS = 180

/** Takes the page to other moments; the query that is shown goes along. */
export class TimeTraveller {
  readonly #app: App
  readonly #runner: QueryRunner
  readonly #comparer: Comparer
  #resting: ReturnType<typeof setTimeout> | undefined

  constructor(app: App, runner: QueryRunner, comparer: Comparer) {
    this.#app = app
    this.#runner = runner
    this.#comparer = comparer
  }

  /** @param txid undefined for the newest state, whatever that will be */
  lookAt(txid: TXID | undefined): void {
    const { store } = this.#app
    if (store.get().at === txid) return
    store.set({ at: txid })
    this.#later(async () => {
      await refreshSchema(this.#app)
      await this.#again()
    })
  }

  /** @param txid undefined to end comparing */
  compareWith(txid: TXID | undefined): void {
    const { store } = this.#app
    const { base, resultTab } = store.get()
    if (base === txid) return
    store.set({ base: txid, resultTab: txid !== undefined ? 'compare' : resultTab === 'compare' ? 'rows' : resultTab })
    if (txid === undefined) store.set({ comparison: undefined })
    else this.#later(() => this.#compareAgain())
  }

  #later(work: () => Promise<void>): void {
    clearTimeout(this.#resting)
    this.#resting = setTimeout(() => void work(), REST_MS)
  }

  async #again(): Promise<void> {
    const { run, at, moments, base } = this.#app.store.get()
    const moment = at === undefined ? moments.at(-1) : moments.find(({ txid }) => txid === at)
    if (moment) say(this.#app, `Looking at ${formatTime(moment.timestamp)}, TXID ${shortTXID(moment.txid)}`)
    if (run) await this.#runner.run(run.sql)
    if (base !== undefined) await this.#compareAgain()
  }

  async #compareAgain(): Promise<void> {
    const { run, sql } = this.#app.store.get()
    await this.#comparer.compare(run?.sql ?? sql)
  }
}
