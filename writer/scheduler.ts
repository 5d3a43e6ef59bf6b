/** Something that is done again and again. */
export interface Task {
  /**
   * What it loads, which says how many may run at once: a word of `SchedulerOptions.limits`, and behind an `@` whom it
   * loads (`upload@s3://bucket`), so that one store in trouble uses up nobody else's turns. Read before every run.
   */
  readonly kind: string
  /** Do it once. Must not throw. @returns when it is due again, in ms from now; Infinity: when it is woken */
  run(): Promise<number>
}

/** A task that a scheduler runs. */
export interface Scheduled {
  /** Be due in so many ms, or earlier if it is already; while it runs: again after this run. */
  wake(delayMs?: number): void
  /** Not again. Resolves when the present run has ended. */
  stop(): Promise<void>
}

export interface SchedulerOptions {
  /** By the first word of a kind: how many tasks of one kind run at once. Default: any number. */
  readonly limits?: Readonly<Record<string, number>>
  /** A run that takes longer gives its turn to others, and goes on besides. Default 10 000. */
  readonly turnMs?: number
}

const TURN_MS = 10_000
/** `setTimeout` takes no more than this. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1

/**
 * Runs tasks when they are due, in the order in which they became due, so many of a kind at a time. One is started per
 * turn of the event loop: thousands that are due at once hold up nobody else.
 *
 * A task that sleeps until it is woken costs no timer.
 */
export class Scheduler {
  readonly #limits: Readonly<Record<string, number>>
  readonly #turnMs: number
  readonly #lanes = new Map<string, Lane>()
  #turning = false

  constructor(options: SchedulerOptions = {}) {
    this.#limits = options.limits ?? {}
    this.#turnMs = options.turnMs ?? TURN_MS
  }

  /** @param delayMs before its first run; Infinity: when it is woken */
  add(task: Task, delayMs = 0): Scheduled {
    const entry = new Entry(task, (due) => this.#enqueue(due))
    entry.wake(delayMs)
    return entry
  }

  #enqueue(entry: Entry): void {
    const { kind } = entry.task
    let lane = this.#lanes.get(kind)
    if (!lane) {
      lane = {
        kind,
        limit: this.#limits[kind.split('@', 1)[0]!] ?? Number.POSITIVE_INFINITY,
        running: 0,
        queue: new Set(),
      }
      this.#lanes.set(kind, lane)
    }
    lane.queue.add(entry)
    this.#turn()
  }

  /** Start one task per lane in every turn of the event loop, for as long as any can be started. */
  #turn(): void {
    if (this.#turning) return
    this.#turning = true
    setImmediate(() => {
      this.#turning = false
      let more = false
      for (const lane of this.#lanes.values()) more = this.#startNext(lane) || more
      if (more) this.#turn()
    })
  }

  /** @returns whether another one could be started */
  #startNext(lane: Lane): boolean {
    if (lane.running >= lane.limit) return false
    const [entry] = lane.queue
    if (!entry) {
      if (lane.running === 0) this.#lanes.delete(lane.kind)
      return false
    }
    lane.queue.delete(entry)
    lane.running++
    let lent = true
    const giveBack = () => {
      if (!lent) return
      lent = false
      clearTimeout(timer)
      lane.running--
      this.#turn()
    }
    const timer = lane.limit === Number.POSITIVE_INFINITY ? undefined : setTimeout(giveBack, this.#turnMs)
    void entry.run().finally(giveBack)
    return lane.queue.size > 0 && lane.running < lane.limit
  }
}

interface Lane {
  readonly kind: string
  readonly limit: number
  running: number
  /** In the order in which they became due. */
  readonly queue: Set<Entry>
}

class Entry implements Scheduled {
  readonly task: Task
  readonly #enqueue: (entry: Entry) => void
  #timer: NodeJS.Timeout | undefined
  #dueMs = Number.POSITIVE_INFINITY
  #queued = false
  #running: Promise<void> | undefined
  #stopped = false

  constructor(task: Task, enqueue: (entry: Entry) => void) {
    this.task = task
    this.#enqueue = enqueue
  }

  wake(delayMs = 0): void {
    const dueMs = performance.now() + delayMs
    if (this.#stopped || this.#queued || dueMs >= this.#dueMs) return
    this.#dueMs = dueMs
    if (!this.#running) this.#wait()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#clear()
    await this.#running
  }

  async run(): Promise<void> {
    this.#queued = false
    if (this.#stopped) return
    this.#dueMs = Number.POSITIVE_INFINITY
    this.#running = this.task.run().then((delayMs) => {
      this.#running = undefined
      if (this.#stopped) return
      this.#dueMs = Math.min(this.#dueMs, performance.now() + delayMs)
      this.#wait()
    })
    await this.#running
  }

  #wait(): void {
    this.#clear()
    const delayMs = this.#dueMs - performance.now()
    if (delayMs <= 0) this.#becomeDue()
    else if (delayMs < TIMEOUT_MAX_MS) this.#timer = setTimeout(() => this.#becomeDue(), delayMs)
    else if (delayMs < Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.#wait(), TIMEOUT_MAX_MS)
  }

  #becomeDue(): void {
    this.#queued = true
    this.#enqueue(this)
  }

  #clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
