/** Lets one task run at a time, in the order in which they asked. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve()

  /** Run `task` when all tasks asked for before have ended; its result or failure is the caller's alone. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task)
    this.#last = result.catch(() => {})
    return result
  }
}
