import { Counter, Gauge, Registry } from 'prom-client'
import type { Served } from './serve-database.ts'

/** What a gateway knows of itself. */
export interface GatewayFigures {
  readonly connections: number
  readonly inFlight: number
  readonly subscribers: number
  readonly databases: ReadonlyMap<string, Served>
}

/** What Prometheus can know of a gateway. */
export class GatewayMetrics {
  readonly #registry = new Registry()
  readonly #requests = this.#counter('requests_total', 'Requests answered.', ['route', 'status'])
  readonly #bytes = this.#counter('sent_bytes_total', 'Bytes of bodies sent.', ['route'])

  /** @param figures as they are when they are asked for */
  constructor(figures: () => GatewayFigures) {
    this.#gauge('connections', 'Connections open.', () => figures().connections)
    this.#gauge('requests_in_flight', 'Requests being answered.', () => figures().inFlight)
    this.#gauge('subscribers', 'Event streams open.', () => figures().subscribers)
    const upstream: Counter<'database' | 'verb'> = this.#counter(
      'upstream_requests_total',
      'Requests to the stores.',
      ['database', 'verb'],
      () => {
        upstream.reset()
        for (const [database, { counts }] of figures().databases) {
          for (const [verb, count] of Object.entries(counts.requests)) upstream.inc({ database, verb }, count)
        }
      },
    )
    this.#newest('txid', 'Last transaction known.', figures, ({ txid }) => Number(txid))
    const help = 'When it was made, by the clock of the primary.'
    this.#newest('transaction_timestamp_seconds', help, figures, ({ timestamp }) => timestamp / 1000)
  }

  /** One request has been answered, or was given up. */
  answered(route: string, status: string, bytes = 0): void {
    this.#requests.inc({ route, status })
    this.#bytes.inc({ route }, bytes)
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** The text of /metrics. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }

  #counter<T extends string>(name: string, help: string, labelNames: T[], collect?: () => void): Counter<T> {
    return new Counter({ ...this.#about(name, help), labelNames, ...(collect && { collect }) })
  }

  #gauge(name: string, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({ ...this.#about(name, help), collect: () => gauge.set(read()) })
  }

  /** Of the newest transaction of each database, once one is known. */
  #newest(
    name: string,
    help: string,
    figures: () => GatewayFigures,
    read: (newest: NonNullable<Served['feed']['newest']>) => number,
  ): void {
    const collect = (): void => {
      for (const [database, { feed }] of figures().databases) {
        if (feed.newest) gauge.set({ database }, read(feed.newest))
      }
    }
    const gauge: Gauge<'database'> = new Gauge({ ...this.#about(name, help), labelNames: ['database'], collect })
  }

  #about(name: string, help: string) {
    return { name: `litetap_gateway_${name}`, help, registers: [this.#registry] }
  }
}
