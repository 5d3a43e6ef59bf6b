import { isObservable, type Observable } from './observe.ts'
import type { ReplicaClient } from './types.ts'
import type { V3Store } from './v3.ts'

/** What every client around another one has of that one as it is. */
export class WrappedReplica implements Partial<Observable> {
  readonly observe?: Observable['observe']
  readonly watch?: NonNullable<ReplicaClient['watch']>
  readonly v3?: V3Store
  readonly #wrapped: ReplicaClient

  /** @param v3 the client's, where the wrapper does something about it */
  constructor(client: ReplicaClient, v3: V3Store | undefined = client.v3) {
    this.#wrapped = client
    if (v3) this.v3 = v3
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
