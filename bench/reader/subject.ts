import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { childEnv, endWithUs } from '../../test/interop/process.ts'
import type { ReaderOptions } from './readers.ts'
import type { Query } from './scenarios.ts'

export const SUBJECTS = ['litestream-vfs', 'download', 'native', 'litetap-jspi', 'litetap-asyncify'] as const
export type SubjectName = (typeof SUBJECTS)[number]

export type Order =
  | { readonly do: 'load'; readonly options: ReaderOptions }
  | { readonly do: 'open'; readonly first: Query }
  | { readonly do: 'query'; readonly queries: readonly Query[]; readonly together: boolean }
  | { readonly do: 'repeat'; readonly queries: readonly Query[]; readonly times: number }
  | { readonly do: 'watch'; readonly query: Query; readonly everyMs: number; readonly forMs: number }
  | { readonly do: 'close' }

export interface Answer {
  readonly ms?: number
  /** Of each query, where they were asked one after another. */
  readonly times?: readonly number[]
  readonly rows?: number
  readonly hash?: string
  /** By the reader's own count. */
  readonly roundTrips?: number
  readonly microseconds?: number
  /** Value and the time it was first seen, in ns of the monotonic clock. */
  readonly seen?: readonly (readonly [number, string])[]
  readonly failed?: string
}

/** The order took too long; the process was killed. */
export class TimedOut extends Error {
  readonly seconds: number

  constructor(seconds: number) {
    super(`No answer within ${seconds} s`)
    this.seconds = seconds
  }
}

/** A reader's process. */
export class Subject {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>

  private constructor(env: Readonly<Record<string, string>>) {
    const main = join(import.meta.dirname, 'subject-process.ts')
    const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const
    this.#child = fork(main, [], {
      env: childEnv(env),
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: [...stdio],
    })
    endWithUs(this.#child)
    this.#ended = new Promise((resolve) => this.#child.once('exit', resolve))
  }

  /** Start a process and have it load its code. */
  static async start(options: ReaderOptions, env: Readonly<Record<string, string>>): Promise<Subject> {
    const subject = new Subject(env)
    await subject.order({ do: 'load', options })
    return subject
  }

  /** @throws TimedOut; Error with what went wrong in the process */
  async order(order: Order, timeoutSeconds = 600): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const timer = setTimeout(() => {
      this.#child.kill('SIGKILL')
      reject(new TimedOut(timeoutSeconds))
    }, timeoutSeconds * 1000)
    const answered = (message: unknown) => resolve(message as Answer)
    const ended = (code: number | null, signal: string | null) =>
      reject(new Error(`The reader ended with ${code ?? signal}`))
    this.#child.once('message', answered).once('exit', ended)
    this.#child.send(order)
    try {
      const answer = await promise
      if (answer.failed !== undefined) throw new Error(`The reader failed: ${answer.failed}`)
      return answer
    } finally {
      clearTimeout(timer)
      this.#child.off('message', answered).off('exit', ended)
    }
  }

  /** Close the database and end the process. */
  async close(): Promise<void> {
    if (this.#child.connected) await this.order({ do: 'close' }, 30).catch(() => {})
    await this.kill()
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }
}
