import type { Program } from '../../test/interop/process.ts'

/** What litetap's daemon saw of itself between two readings. */
export interface Reading {
  /** Databases of which all that is local is in the replica. */
  readonly synced: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly requests: number
}

/** Asks `litetap.ts` for readings. */
export class DaemonProbe {
  readonly #program: Program

  constructor(program: Program) {
    this.#program = program
  }

  /** What was seen since the last reading. */
  async read(): Promise<Reading> {
    const lines = () => this.#program.output.split('\n').filter((line) => line.startsWith('{"synced"'))
    const before = lines().length
    process.kill(this.#program.pid, 'SIGUSR2')
    for (;;) {
      const now = lines()
      if (now.length > before) return JSON.parse(now.at(-1)!) as Reading
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
