import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { childEnv, endWithUs } from './process.ts'
import type { Workload } from './workload.ts'

/** What the application is told to do. */
export type Order =
  | { readonly do: 'run'; readonly transactions: number; readonly pauseMs: number }
  | { readonly do: 'stop' }
  | { readonly do: 'sql'; readonly sql: string }
  | { readonly do: 'close' }

/** Its answer: the last committed transaction, or why it failed. */
export type Report = { readonly seq: number } | { readonly failed: string }

/**
 * The application process that owns a primary database. It keeps its connection open between orders, so that the WAL
 * outlives the replicators that come and go.
 */
export class Primary {
  readonly path: string
  readonly workload: Workload
  #child: ChildProcess
  #ended: Promise<void>

  constructor(path: string, workload: Workload) {
    this.path = path
    this.workload = workload
    const main = join(import.meta.dirname, 'primary-process.ts')
    this.#child = fork(main, [path, JSON.stringify(workload)], { env: childEnv() })
    endWithUs(this.#child)
    this.#ended = new Promise((resolve) => this.#child.once('exit', () => resolve()))
  }

  /** Commit `transactions` more of the workload, about `pauseMs` apart. @returns the last committed one */
  run(transactions: number, pauseMs = 0): Promise<number> {
    return this.#order({ do: 'run', transactions, pauseMs })
  }

  /** Make a `run` in progress end after its current transaction. */
  stopRun(): void {
    this.#child.send({ do: 'stop' } satisfies Order)
  }

  async sql(sql: string): Promise<void> {
    await this.#order({ do: 'sql', sql })
  }

  /** Close the connection, then end: SQLite checkpoints and removes the WAL when nobody else has it open. */
  async close(): Promise<void> {
    await this.#order({ do: 'close' })
    this.#child.disconnect()
    await this.#ended
  }

  /** `kill -9` */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  async #order(order: Order): Promise<number> {
    const answer = new Promise<Report>((resolve) => {
      this.#child.once('message', (report) => resolve(report as Report))
      this.#child.once('exit', (code, signal) => resolve({ failed: `application ended with ${code ?? signal}` }))
    })
    this.#child.send(order)
    const report = await answer
    if ('failed' in report) throw new Error(`Workload failed: ${report.failed}`)
    return report.seq
  }
}
