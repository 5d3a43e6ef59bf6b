import { seededRandom } from '../support/random.ts'

/** What a run must not exceed: then something goes round in circles. */
const MAX_STEPS = 400_000
/** Milliseconds of real time for what comes from outside. */
const OUTSIDE_TURNS = 100

/** Something waits, and nothing is left that it could wait for. */
export class Stuck extends Error {
  override readonly name = 'Stuck'
}

/** One event of the real event loop: all promises that are settled have been heard of then. */
const realImmediate = setImmediate
const realTimeout = setTimeout
function settled(): Promise<void> {
  return new Promise((resolve) => realImmediate(resolve))
}

/** What is not virtual (a module that is loaded the first time) may still come. */
async function comesFromOutside(came: () => boolean): Promise<boolean> {
  for (let i = 0; i < OUTSIDE_TURNS && !came(); i++) await new Promise((resolve) => realTimeout(resolve, 1))
  return came()
}

class Timer {
  readonly run: () => void
  readonly order: number
  readonly everyMs: number | undefined
  at: number
  cleared = false

  constructor(run: () => void, at: number, order: number, everyMs?: number) {
    this.run = run
    this.at = at
    this.order = order
    this.everyMs = everyMs
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }
}

/**
 * Time that stands still while anything can go on, and then jumps to the next timer: nothing is ever slept for, and the
 * order of all that happens is the same in every run. While installed it is behind the timers, clocks and random numbers
 * of the whole process.
 */
export class VirtualTime {
  /** Milliseconds since it began. */
  ms = 0
  readonly #epoch: number
  readonly #timers: Timer[] = []
  #immediates: Timer[] = []
  #order = 0
  #restore: (() => void) | undefined

  /** @param epoch what clocks show at the beginning: milliseconds since the Unix epoch */
  constructor(epoch: number) {
    this.#epoch = epoch
  }

  /** What clocks show: milliseconds since the Unix epoch. */
  readonly now = (): number => this.#epoch + this.ms

  readonly sleep = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      this.#add(resolve, ms)
    })

  /** Put it behind the process's timers. @param seed of `Math.random` */
  install(seed: number): void {
    const { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate } = globalThis
    const before = { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate }
    const clear = (timer: unknown): void => {
      if (timer instanceof Timer) timer.cleared = true
    }
    const { now } = Date
    const { random } = Math
    Object.assign(globalThis, {
      setTimeout: (f: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => this.#add(() => f(...args), ms),
      setInterval: (f: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => this.#add(() => f(...args), ms, ms),
      setImmediate: (f: (...args: unknown[]) => void, ...args: unknown[]) => this.#addImmediate(() => f(...args)),
      clearTimeout: clear,
      clearInterval: clear,
      clearImmediate: clear,
    })
    Object.assign(Date, { now: this.now })
    Object.assign(Math, { random: seededRandom(seed) })
    Object.assign(performance, { now: () => this.ms })
    this.#restore = () => {
      Object.assign(globalThis, before)
      Object.assign(Date, { now })
      Object.assign(Math, { random })
      Reflect.deleteProperty(performance, 'now')
    }
  }

  uninstall(): void {
    this.#restore?.()
    this.#restore = undefined
  }

  /**
   * Let time go on until work has ended.
   * @param late says who has waited for longer than anybody may; undefined for nobody
   * @throws Stuck for those, and when nothing goes on any more; what the work throws
   */
  async run<T>(work: Promise<T>, late: (now: 'soon' | 'never') => string | undefined): Promise<T> {
    let ended = false
    const end = (): void => {
      ended = true
    }
    work.then(end, end)
    for (let steps = 0; ; steps++) {
      await settled()
      if (ended) return await work
      const overdue = steps > MAX_STEPS ? late('never') : late('soon')
      if (overdue !== undefined) throw new Stuck(`This does not end: ${overdue}`)
      if (!this.#step() && !(await comesFromOutside(() => ended || this.#isDue))) {
        throw new Stuck(`This waits for ever: ${late('never')}`)
      }
    }
  }

  get #isDue(): boolean {
    return this.#immediates.length > 0 || this.#timers.length > 0
  }

  /** Whatever is due next. @returns false when there is nothing */
  #step(): boolean {
    if (this.#immediates.length > 0) {
      for (const timer of this.#immediates.splice(0)) if (!timer.cleared) timer.run()
      return true
    }
    for (let timer = this.#pop(); timer; timer = this.#pop()) {
      if (timer.cleared) continue
      this.ms = Math.max(this.ms, timer.at)
      if (timer.everyMs !== undefined) {
        timer.at = this.ms + Math.max(1, timer.everyMs)
        this.#push(timer)
      }
      timer.run()
      return true
    }
    return false
  }

  #add(run: () => void, ms: number, everyMs?: number): Timer {
    const timer = new Timer(run, this.ms + Math.max(0, Number(ms) || 0), this.#order++, everyMs)
    this.#push(timer)
    return timer
  }

  #addImmediate(run: () => void): Timer {
    const timer = new Timer(run, this.ms, this.#order++)
    this.#immediates.push(timer)
    return timer
  }

  /** There are few at a time: kept with the next one last. */
  #push(timer: Timer): void {
    const timers = this.#timers
    let i = timers.length
    while (
      i > 0 &&
      (timers[i - 1]!.at < timer.at || (timers[i - 1]!.at === timer.at && timers[i - 1]!.order < timer.order))
    )
      i--
    timers.splice(i, 0, timer)
  }

  #pop(): Timer | undefined {
    return this.#timers.pop()
  }
}
