/** One value that the whole page is drawn from. Who shows a part of it is told when that part is another value. */
export class Store<S extends object> {
  #state: S
  readonly #listeners = new Set<() => void>()

  constructor(state: S) {
    this.#state = state
  }

  get(): Readonly<S> {
    return this.#state
  }

  set(patch: Partial<S>): void {
    this.#state = { ...this.#state, ...patch }
    for (const listener of [...this.#listeners]) listener()
  }

  /** Call `draw` now and whenever one of these parts has changed. */
  on<K extends keyof S>(keys: readonly K[], draw: (state: Readonly<S>) => void): void {
    let seen = this.#state
    this.#listeners.add(() => {
      const state = this.#state
      const changed = keys.some((key) => seen[key] !== state[key])
      seen = state
      if (changed) draw(state)
    })
    draw(seen)
  }
}
