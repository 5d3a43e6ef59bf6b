import { setTimeout as sleep } from 'node:timers/promises'
import { type Exit, Program } from '../../test/interop/process.ts'
import { cpuSeconds, peakResidentBytes, reapedChildrenCpuSeconds, resetPeakResidentBytes } from './proc.ts'

/** What a program used. */
export interface Usage {
  readonly cpuSeconds: number
  /** Highest resident set. */
  readonly peakBytes: number
  readonly wallSeconds: number
}

const SAMPLE_MS = 20

/**
 * A program whose use of CPU and memory is measured. Its CPU total is exact (the kernel's sum when it is reaped);
 * its memory peak is the kernel's high-water mark, read every 20 ms, so only the last 20 ms can be missed.
 * No other child of this process may end while `end` or `toEnd` waits.
 */
export class Metered {
  readonly program: Program
  #started = performance.now()
  #peak = 0
  #cpuBefore = 0
  #sampling: NodeJS.Timeout

  constructor(program: Program) {
    this.program = program
    this.#sampling = setInterval(() => this.#sample(), SAMPLE_MS)
    program.exited.then(() => clearInterval(this.#sampling))
  }

  static start(command: readonly string[], env: Readonly<Record<string, string>>): Metered {
    return new Metered(new Program(command, env))
  }

  /** Begin a phase: what was used before no longer counts. */
  restart(): void {
    this.#cpuBefore = this.cpu()
    resetPeakResidentBytes(this.program.pid)
    this.#peak = 0
    this.#started = performance.now()
  }

  /** Used since the start or the last `restart`; the program goes on. */
  usage(): Usage {
    this.#sample()
    return this.#usage(this.cpu() - this.#cpuBefore)
  }

  /** CPU seconds of its whole life so far. */
  cpu(): number {
    return cpuSeconds(this.program.pid) ?? 0
  }

  /** Wait until it uses less than 5 % of a CPU for two seconds running. */
  async untilQuiet(): Promise<void> {
    for (let quiet = 0; quiet < 4; ) {
      const before = this.cpu()
      await sleep(500)
      if (!this.program.running) throw new Error(`${this.program.label} ended:\n${this.program.output}`)
      quiet = this.cpu() - before <= 0.025 ? quiet + 1 : 0
    }
  }

  /** Stop it gracefully. @throws when it did not end well */
  async end(): Promise<Usage> {
    this.#sample()
    return this.#reap(() => this.program.end('SIGINT'))
  }

  /** Let it run to its end by itself. @throws when it did not end well */
  toEnd(): Promise<Usage> {
    return this.#reap(() => this.program.exited)
  }

  async #reap(ending: () => Promise<Exit>): Promise<Usage> {
    const before = reapedChildrenCpuSeconds()
    const { code, signal, output } = await ending()
    const total = reapedChildrenCpuSeconds() - before
    if (code !== 0) throw new Error(`${this.program.label} ended with ${code ?? signal}:\n${output}`)
    return this.#usage(total - this.#cpuBefore)
  }

  #usage(cpu: number): Usage {
    return { cpuSeconds: cpu, peakBytes: this.#peak, wallSeconds: (performance.now() - this.#started) / 1000 }
  }

  #sample(): void {
    this.#peak = Math.max(this.#peak, peakResidentBytes(this.program.pid) ?? 0)
  }
}
