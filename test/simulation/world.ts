import { isReplicaError } from '../../replica/index.ts'
import { isStorageError } from '../../storage/index.ts'
import { isVfsError } from '../../vfs/index.ts'
import { seededRandom } from '../support/random.ts'
import { checkBounds, checkReader, settle } from './checks.ts'
import { closeWhileBusy } from './closing.ts'
import type { History } from './history.ts'
import { HostileStore, type Hostility, WELL } from './hostile-store.ts'
import { drawOperation } from './operations.ts'
import { type Excuses, Oracle, Wrong } from './oracle.ts'
import { Reader, type ReaderShape } from './reader-model.ts'
import { areTwins, describeScenario, drawScenario, type Scenario } from './scenario.ts'
import type { VirtualTime } from './virtual-time.ts'
import { WriterModel } from './writer-model.ts'

/** Milliseconds in which the operations of a round begin. */
const ROUND_MS = 60
/** Longer than anything takes that comes to an end. */
const LONGEST_MS = 120_000
/** How long something may go on that was given up, while it is read slowly. */
const MOST_LATE_MS = 100
/** In a bad network opening may fail, but not for ever. */
const MOST_OPENINGS = 60

/** How something is given up. */
export interface GivenUp {
  readonly signal: AbortSignal
  readonly reason: Error
  /** When it was. */
  at: number | undefined
}

/** One run: a writer, readers, and all that goes wrong, drawn from a seed. */
export class World {
  readonly time: VirtualTime
  readonly random: () => number
  readonly writer: WriterModel
  readonly oracle: Oracle
  readonly trace: string[] = []
  readonly readers: Reader[] = []
  readonly memories: WebAssembly.Memory[]
  /** Readers of which a transaction asks the database itself, in this round. */
  readonly nested = new Set<Reader>()
  readonly #scenario: Scenario
  readonly #storeRandom: () => number
  readonly #writerRandom: () => number
  /** What is under way, the oldest first, and since when. */
  readonly #waiting = new Map<string, number>()
  #next = 0
  #count = 0

  constructor(seed: number, histories: readonly History[], time: VirtualTime, memories: WebAssembly.Memory[]) {
    this.time = time
    this.memories = memories
    this.random = seededRandom(seed)
    this.#storeRandom = seededRandom(seed + 1_000_003)
    this.#writerRandom = seededRandom(seed + 2_000_003)
    this.#scenario = drawScenario(histories, time, this.random)
    this.note(describeScenario(this.#scenario))
    this.writer = new WriterModel(this.#scenario.history, this.#writerRandom)
    this.writer.onChange = () => {
      for (const { store } of this.readers) store.announce()
    }
    this.oracle = new Oracle(this.writer)
  }

  /** Who has not come to an end, if one of them has waited for too long or all wait in vain. */
  readonly late = (now: 'soon' | 'never'): string | undefined => {
    const [oldest] = this.#waiting.values()
    if (now === 'soon' && (oldest === undefined || this.time.ms - oldest < LONGEST_MS)) return undefined
    return Array.from(this.#waiting, ([name, since]) => `${name} (begun at ${since.toFixed(1)} ms)`).join('; ')
  }

  /** @throws Wrong; Stuck by way of the clock */
  async live(): Promise<void> {
    for (let i = 3 + this.pick(6); i > 0 || this.writer.txid === 0; i--) await this.write()
    for (const shape of this.#scenario.readers) this.readers.push(await this.#open(shape))
    for (let round = 0; round < this.#scenario.rounds; round++) await this.#round(round)
    await settle(this)
    for (const reader of this.readers) await checkReader(this, reader)
    checkBounds(this)
    await closeWhileBusy(this)
  }

  /** Let things go wrong so often from now on. */
  disturb(hostility: Hostility = this.#scenario.hostility): void {
    for (const { store } of this.readers) store.hostility = hostility
  }

  async #round(round: number): Promise<void> {
    this.note(`round ${round}`)
    this.disturb()
    this.nested.clear()
    const suspects = new Set<Reader>()
    const operations = Array.from({ length: 2 + this.pick(6) }, () => this.#operate(suspects))
    await Promise.all([this.#writeMeanwhile(), ...operations])
    if (this.random() < 0.12) await this.#reopen(this.pick(this.readers.length))
    this.oracle.deadlocks = false
    for (const reader of this.readers) if (this.random() < 0.2) suspects.add(reader)
    if (suspects.size === 0) return
    await settle(this)
    for (const reader of this.readers) if (suspects.has(reader)) await checkReader(this, reader)
    if (this.random() < 0.25) await this.#succeed()
  }

  /** @param failed where the reader is put if something failed meanwhile */
  async #operate(failed: Set<Reader>): Promise<void> {
    const reader = this.readers[this.pick(this.readers.length)]!
    const [name, operation] = drawOperation(this.random())
    await this.pause(ROUND_MS)
    const { failures } = this.oracle
    await this.during(`${reader.name}: ${name}`, () => operation(this, reader, { hostile: true }))
    if (this.oracle.failures > failures) failed.add(reader)
  }

  async #writeMeanwhile(): Promise<void> {
    for (let i = this.pick(5); i > 0; i--) {
      await this.pause(ROUND_MS / 3)
      await this.write()
    }
  }

  /** One step of the writer. */
  async write(): Promise<void> {
    const next = this.#scenario.next[this.#next]
    const begins = next !== undefined && this.readers.length > 0 && !areTwins(next, this.writer.history)
    if (begins && this.#writerRandom() < 0.08) await this.#beginAnew(next)
    else this.note(`writer: ${await this.writer.step()}`)
  }

  /** Between rounds, when nobody reads old pages: then a database whose files look the same may follow, too. */
  async #succeed(): Promise<void> {
    const next = this.#scenario.next[this.#next]
    if (next === undefined) return
    for (const reader of this.readers) reader.olds = []
    await this.#beginAnew(next)
    if (this.random() < 0.5) await this.#reopen(this.pick(this.readers.length))
    await settle(this)
    for (const reader of this.readers) await checkReader(this, reader)
  }

  async #beginAnew(next: History): Promise<void> {
    this.#next++
    const commits = 1 + Math.floor(this.#writerRandom() * Math.min(next.shape.states, this.writer.txid + 3))
    this.note(`writer: ${await this.writer.beginAnew(next, commits, () => this.pause(20))}`)
  }

  async #reopen(at: number): Promise<void> {
    const { db, shape } = this.readers[at]!
    this.note(`${shape.name} is closed and opened again`)
    await this.during(`${shape.name}: close()`, () => db.close())
    this.readers[at] = await this.#open(shape)
  }

  async #open(shape: ReaderShape): Promise<Reader> {
    const { name, flavour } = shape
    const store = new HostileStore({ name, flavour, writer: this.writer, time: this.time, random: this.#storeRandom })
    for (let i = 0; ; i++) {
      store.hostility = this.#scenario.hostility
      if (i === MOST_OPENINGS) store.hostility = WELL
      try {
        const reader = await this.during(`${name}: open`, () => Reader.open(shape, store, this.time))
        reader.look(this.oracle, 'open()')
        return reader
      } catch (error) {
        this.oracle.failure(error, undefined, { floor: 0 }, { hostile: i < MOST_OPENINGS, pinned: true })
        await this.pause(50)
      }
    }
  }

  /** Some work that must come to an end. */
  async during<T>(name: string, work: () => Promise<T>): Promise<T> {
    const label = `${++this.#count}. ${name}`
    this.note(label)
    this.#waiting.set(label, this.time.ms)
    try {
      return await work()
    } finally {
      this.#waiting.delete(label)
    }
  }

  /** Some work that may fail, with an excuse. @throws Wrong */
  async excused(reader: Reader, excuses: Excuses, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.oracle.failure(error, undefined, { floor: reader.floor }, excuses)
      this.note(`  ${reader.name} failed: ${String(error).slice(0, 160)}`)
    }
  }

  /** A failure that may be of any of the library's kinds, but of no other. @throws Wrong */
  typed(error: unknown, excuses: Excuses): void {
    if (isVfsError(error)) return
    if (isStorageError(error) || isReplicaError(error)) this.oracle.failure(error, undefined, { floor: 0 }, excuses)
    else throw this.wrong(`this is no error of a kind that is known: ${String(error)}`)
  }

  wrong(message: string): Wrong {
    return new Wrong(message)
  }

  show(value: unknown): string {
    return JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? `${each}n` : each))
  }

  note(text: string): void {
    this.trace.push(`${this.time.ms.toFixed(1).padStart(9)}  ${text}`)
  }

  pick(n: number): number {
    return Math.floor(this.random() * n)
  }

  /** Up to so many milliseconds. */
  pause(mostMs: number): Promise<void> {
    return this.time.sleep(this.random() * mostMs)
  }

  /** A signal that aborts in a moment, and its reason. */
  abortSoon(): GivenUp {
    const controller = new AbortController()
    const reason = new Error('given up')
    const given: GivenUp = { signal: controller.signal, reason, at: undefined }
    void this.pause(25).then(() => {
      given.at = this.time.ms
      controller.abort(reason)
    })
    return given
  }

  /** What was given up must have ended soon afterwards. @throws Wrong */
  endedInTime({ at }: Partial<GivenUp>, what: string): void {
    const late = this.time.ms - (at ?? this.time.ms)
    if (late > MOST_LATE_MS) throw this.wrong(`${what} went on for ${late.toFixed(1)} ms after it was given up`)
  }
}
