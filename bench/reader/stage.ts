import { openReplica } from '../../storage/node.ts'
import { type Store, s3Url, startStore } from '../../test/interop/stores.ts'
import { type LagProxy, startLagProxy } from '../../test/servers/lag-proxy.ts'
import { HttpMeter } from '../support/http-meter.ts'
import type { Line } from '../support/line.ts'
import type { BuiltBucket } from './bucket.ts'

const STORE_MEMORY = 8 * 2 ** 30
const MB = 1e6

/**
 * What readers read from: program -> meter -> line -> Ceph's S3 gateway. Writers and preparations go to the gateway
 * directly.
 */
export class Stage {
  readonly meter: HttpMeter
  readonly #store: Store
  readonly #lag: LagProxy

  private constructor(store: Store, lag: LagProxy, meter: HttpMeter) {
    this.#store = store
    this.#lag = lag
    this.meter = meter
  }

  static async start(): Promise<Stage> {
    const store = await startStore('s3', { dir: '', memoryBytes: STORE_MEMORY })
    const gateway = new URL(store.url('any')).searchParams.get('endpoint')!
    const lag = await startLagProxy(gateway)
    return new Stage(store, lag, await HttpMeter.start(lag.endpoint))
  }

  /** Credentials for the readers. */
  get env(): Readonly<Record<string, string>> {
    return this.#store.env
  }

  set(line: Line): void {
    this.#lag.set({ rtt: line.rttMs, mbit: line.mbit })
  }

  /** The replica's URL over the line. */
  url(replica: string): string {
    return s3Url(this.meter.endpoint, replica)
  }

  /** The replica, not over the line. */
  direct(replica: string) {
    return openReplica(this.#store.url(replica), { env: this.env })
  }

  async upload(replica: string, bucket: BuiltBucket): Promise<void> {
    const client = await this.direct(replica)
    await bucket.copyTo(client)
    await client.close()
  }

  /** What the line really gives to one large GET, in Mbit/s: on a fast line, the machine may be the limit. */
  async measureLine(replica: string): Promise<number> {
    const client = await openReplica(this.url(replica), { env: this.env })
    for await (const file of client.list(9)) {
      const started = performance.now()
      const bytes = await drain((await client.open(file, { size: Math.min(file.size, 40 * MB) }))!)
      await client.close()
      return (bytes * 8) / 1000 / (performance.now() - started)
    }
    throw new Error('The bucket has no snapshot')
  }

  async stop(): Promise<void> {
    await this.meter.close()
    await this.#lag.close()
    await this.#store.stop()
  }
}

async function drain(stream: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0
  for await (const chunk of stream) bytes += chunk.length
  return bytes
}
