import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '../../test/interop/stores.ts'

/** One application: a commit a second, and of every tenth one the time until a new L0 file is in the store. */
export class Committing {
  readonly lagsMs: number[] = []
  missing = 0
  readonly #db: DatabaseSync
  readonly #replica: string
  readonly #store: Store

  constructor(path: string, replica: string, store: Store) {
    this.#db = new DatabaseSync(path)
    this.#db.exec('PRAGMA synchronous = off; PRAGMA busy_timeout = 5000')
    this.#replica = replica
    this.#store = store
  }

  async run(startMs: number, endMs: number): Promise<void> {
    let n = 0
    for (let nextMs = startMs; nextMs < endMs; nextMs += 1000) {
      await sleep(Math.max(0, nextMs - performance.now()))
      const watched = n++ % 10 === 9 ? await this.#newest() : undefined
      this.#db.exec('INSERT INTO t (v) VALUES (randomblob(200))')
      if (watched !== undefined) await this.#untilNewer(watched)
    }
  }

  close(): void {
    this.#db.close()
  }

  async #untilNewer(newest: string): Promise<void> {
    const committedMs = performance.now()
    for (;;) {
      if ((await this.#newest()) > newest) return void this.lagsMs.push(performance.now() - committedMs)
      if (performance.now() - committedMs > 30_000) return void this.missing++
      await sleep(5)
    }
  }

  async #newest(): Promise<string> {
    return (await this.#store.list(this.#replica, 0)).at(-1)?.name ?? ''
  }
}
