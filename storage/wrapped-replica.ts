import { isObservable, type Observable } from './observe.ts'
import type { ReplicaClient } from './types.ts'

/** What every client around another one has of that one as it is. */
export class WrappedReplica implements Partial<Observable> {
  readonly observe?: Observable['observe']
  readonly watch?: NonNullable<ReplicaClient['watch']>
  readonly #wrapped: ReplicaClient

  constructor(client: ReplicaClient) {
    this.#wrapped = client
    if (isObservable(client)) this.observe = (observer) => client.observe(observer)
    if (client.watch) this.watch = (onChange) => client.watch!(onChange)
  }

  get type(): string {
    return this.#wrapped.type
  }

  get url(): string {
    return this.#wrapped.url
  }

  get readsOnly(): boolean {
    return this.#wrapped.readsOnly === true
  }

  get createsExclusively(): boolean {
    return this.#wrapped.createsExclusively
  }
}
