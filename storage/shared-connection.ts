/** How a connection is made and ended. */
export interface ConnectionMaker<C> {
  connect(): Promise<C>
  /** Gives its sockets up. Must not fail. */
  end(connection: C): Promise<void>
}

/** One connection for all requests of a client: made when it is first needed, and again after it was dropped. */
export class SharedConnection<C> {
  readonly #maker: ConnectionMaker<C>
  #current: Promise<C> | undefined
  #made: C | undefined

  constructor(maker: ConnectionMaker<C>) {
    this.#maker = maker
  }

  /** The connection; whoever asks while it is being made waits for the same one. */
  get(): Promise<C> {
    this.#current ??= this.#make()
    return this.#current
  }

  /** This connection is of no use any more: the next one who asks gets a new one. */
  drop(connection: C): void {
    if (this.#made === connection) {
      this.#current = undefined
      this.#made = undefined
    }
    void this.#maker.end(connection)
  }

  /** End the connection, one that is just being made too. Never fails. */
  async close(): Promise<void> {
    const current = this.#current
    this.#current = undefined
    this.#made = undefined
    const connection = await current?.catch(() => undefined)
    if (connection !== undefined) await this.#maker.end(connection)
  }

  #make(): Promise<C> {
    const making: Promise<C> = this.#maker.connect().then(
      (connection) => {
        if (this.#current === making) this.#made = connection
        return connection
      },
      (error) => {
        if (this.#current === making) this.#current = undefined
        throw error
      },
    )
    return making
  }
}
