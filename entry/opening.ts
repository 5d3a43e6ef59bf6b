import { orAborted } from '../replica/index.ts'

/** Something that is made of parts, each of which takes its time: all of them, or none stays. */
export class Opening {
  readonly #signal: AbortSignal | undefined
  readonly #undo: (() => Promise<unknown>)[] = []
  #undone = false

  /** @param signal ends waiting for a part, also for one that does not listen to it */
  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal
  }

  /**
   * Wait for a part.
   * @param undo lets go of it, when what it is for comes to nothing; also of one that is made too late
   * @throws what making it throws; the signal's reason
   */
  async made<T>(making: Promise<T>, undo: (part: T) => Promise<unknown>): Promise<T> {
    const kept = making.then((part) => {
      const drop = (): Promise<unknown> => undo(part)
      if (this.#undone) void drop().catch(() => {})
      else this.#undo.push(drop)
      return part
    })
    return await orAborted(kept, this.#signal)
  }

  /** Let go of all parts, the last one first. Never throws: what went wrong before is what is told. */
  async undo(): Promise<void> {
    this.#undone = true
    for (const drop of this.#undo.reverse()) await drop().catch(() => {})
  }
}
