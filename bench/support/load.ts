import { type ChildProcess, fork } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { childEnv, endWithUs } from '../../test/interop/process.ts'
import { seededRandom, seededText } from '../../test/interop/workload.ts'

export interface Fill {
  readonly do: 'fill'
  readonly walBytes: number
  /** Absent: as fast as SQLite takes it. */
  readonly mbPerSecond?: number
  readonly seed: number
}

export interface Beat {
  readonly do: 'beat'
  readonly count: number
  readonly meanMs: number
  readonly seed: number
}

export type Order = Fill | Beat | { readonly do: 'close' }

export interface Answer {
  /** Of this process so far: the number of the newest mark. */
  readonly commits?: number
  readonly walBytes?: number
  readonly seconds?: number
  /** When COMMIT returned, in ns of the monotonic clock, as decimal text. */
  readonly committedAt?: readonly string[]
  readonly failed?: string | undefined
}

/** When the commits `first`..`commits` returned, in ns of the monotonic clock. */
export interface Beats {
  readonly first: number
  readonly commits: number
  readonly committedAt: readonly bigint[]
}

/** The application process of one benchmark run. `run` names the run: it seeds the marks. */
export class Load {
  #child: ChildProcess

  constructor(path: string, run: string) {
    const main = join(import.meta.dirname, 'load-process.ts')
    this.#child = fork(main, [path, run], { env: childEnv(), execArgv: [] })
    endWithUs(this.#child)
  }

  async fill(order: Omit<Fill, 'do'>): Promise<{ commits: number; walBytes: number; seconds: number }> {
    const { commits, walBytes, seconds } = await this.#order({ do: 'fill', ...order })
    return { commits: commits!, walBytes: walBytes!, seconds: seconds! }
  }

  async beat(order: Omit<Beat, 'do'>): Promise<Beats> {
    const { commits, committedAt } = await this.#order({ do: 'beat', ...order })
    const first = commits! - committedAt!.length + 1
    return { first, commits: commits!, committedAt: committedAt!.map(BigInt) }
  }

  /** Close the database and end. */
  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    await this.#order({ do: 'close' })
    this.#child.disconnect()
    await ended
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #order(order: Order): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const answered = (answer: unknown) => {
        this.#child.off('exit', ended)
        const { failed } = answer as Answer
        if (failed === undefined) resolve(answer as Answer)
        else reject(new Error(`The load process failed: ${failed}`))
      }
      const ended = () => {
        this.#child.off('message', answered)
        reject(new Error('The load process ended'))
      }
      this.#child.once('message', answered)
      this.#child.once('exit', ended)
      this.#child.send(order)
    })
  }
}

/** Make a database of about `bytes`, seeded, in WAL mode, closed. */
export function buildDatabase(path: string, bytes: number, seed: number): void {
  rmSync(path, { force: true })
  const random = seededRandom(seed, 0)
  const db = new DatabaseSync(path)
  db.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF')
  db.exec(`
    CREATE TABLE marks (id INTEGER PRIMARY KEY, mark BLOB);
    INSERT INTO marks VALUES (1, zeroblob(16));
    CREATE TABLE rows (id INTEGER PRIMARY KEY, a TEXT NOT NULL, b INTEGER NOT NULL);
    BEGIN`)
  const insert = db.prepare('INSERT INTO rows (a, b) VALUES (?, ?)')
  const pages = db.prepare('PRAGMA page_count')
  while (Number(pages.get()!.page_count) * 4096 < bytes * 0.95) {
    for (let i = 0; i < 5000; i++) insert.run(seededText(random, 200 + random(400)), random(1_000_000))
  }
  db.exec('COMMIT; CREATE INDEX rows_b ON rows (b); PRAGMA journal_mode = WAL')
  db.close()
}
