import { Objm } from '@nats-io/obj'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import type { NatsServer } from './servers/nats-server.ts'

/** Another client of the server: what an operator does with the `nats` tool. */
export class NatsBuckets {
  readonly #connection: NatsConnection
  readonly #made = new Set<string>()

  private constructor(connection: NatsConnection) {
    this.#connection = connection
  }

  static async connect({ url, user, password }: NatsServer): Promise<NatsBuckets> {
    return new NatsBuckets(await connect({ servers: url, user, pass: password }))
  }

  async make(bucket: string): Promise<void> {
    if (this.#made.has(bucket)) return
    this.#made.add(bucket)
    await new Objm(this.#connection).create(bucket)
  }

  async put(bucket: string, name: string, bytes: Uint8Array): Promise<void> {
    const store = await new Objm(this.#connection).open(bucket)
    await store.putBlob({ name }, bytes)
  }

  async names(bucket: string): Promise<string[]> {
    const store = await new Objm(this.#connection).open(bucket)
    return (await store.list()).map(({ name }) => name)
  }

  async close(): Promise<void> {
    await this.#connection.close()
  }
}
