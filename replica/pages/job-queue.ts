import type { Account } from '../core/account.ts'
import type { SourceFile } from '../state/source-file.ts'
import type { FetchJob } from './fetch-job.ts'
import type { PendingPage } from './pending-page.ts'

/** Jobs that wait to be sent: those that somebody waits for first, then those that were asked for first. */
export class JobQueue {
  readonly #urgent: FetchJob[] = []
  readonly #ahead: FetchJob[] = []

  add(jobs: readonly FetchJob[]): void {
    for (const job of jobs) (job.urgent ? this.#urgent : this.#ahead).push(job)
    this.#ahead.sort((a, b) => a.askedAt - b.askedAt)
  }

  /** Somebody waits for one of a job's pages now. */
  hurry(job: FetchJob): void {
    if (job.urgent) return
    job.urgent = true
    this.#ahead.splice(this.#ahead.indexOf(job), 1)
    this.#urgent.push(job)
  }

  next(): FetchJob | undefined {
    return this.#urgent.shift() ?? this.#ahead.shift()
  }

  /** Pages that an account alone asked for, in some files, and that nobody waits for: their jobs are no longer here. */
  takeBack(planner: Account, files: ReadonlySet<SourceFile>): PendingPage[] {
    const taken: PendingPage[] = []
    for (let i = this.#ahead.length - 1; i >= 0; i--) {
      const job = this.#ahead[i]!
      if (job.planner !== planner || !files.has(job.file)) continue
      taken.push(...job.pages)
      this.#ahead.splice(i, 1)
    }
    return taken
  }

  takeAll(): FetchJob[] {
    return [...this.#urgent.splice(0), ...this.#ahead.splice(0)]
  }
}
