/**
 * A part of the program that is loaded when it is first needed. No promise is kept, only what came: a Worker's requests
 * must not wait for each other's, and a part that could not be loaded is asked for again.
 */
export class Later<M> {
  readonly #load: () => Promise<M>
  /** What was loaded; undefined until then. */
  now: M | undefined

  /** @param load `() => import(...)`: bundlers must see the name */
  constructor(load: () => Promise<M>) {
    this.#load = load
  }

  /** @throws what the runtime throws when it cannot load it */
  async get(): Promise<M> {
    this.now ??= await this.#load()
    return this.now
  }

  /** Begin to load it, for whoever needs it next. Never throws: who needs it will hear of it. */
  expect(): void {
    if (this.now === undefined) this.get().catch(() => {})
  }
}
