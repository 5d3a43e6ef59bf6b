import { setImmediate as turn } from 'node:timers/promises'
import { collectDefaultMetrics, Registry } from 'prom-client'
import type { Control, DatabaseReport } from '../control.ts'
import { registerDatabaseMetrics } from './database-metrics.ts'
import { ReplicaOperations } from './replica-operations.ts'

/** All that Prometheus can know of a daemon: its databases, its stores, its process. */
export class DaemonMetrics {
  readonly #registry = new Registry()
  /** Told of what is done to the stores. */
  readonly operations = new ReplicaOperations(this.#registry)
  readonly #control: Pick<Control, 'list'>
  #reports: readonly DatabaseReport[] = []
  #scrape: Promise<string> | undefined

  constructor(control: Pick<Control, 'list'>) {
    this.#control = control
    registerDatabaseMetrics(this.#registry, () => this.#reports)
    collectDefaultMetrics({ register: this.#registry })
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** The text of /metrics. Who asks meanwhile gets the same one. */
  text(): Promise<string> {
    this.#scrape ??= this.#read().finally(() => {
      this.#scrape = undefined
      this.#reports = []
    })
    return this.#scrape
  }

  /** Metric by metric: the text for thousands of databases takes a while, and replication has its turns between. */
  async #read(): Promise<string> {
    this.#reports = this.#control.list()
    const parts: string[] = []
    for (const { name } of this.#registry.getMetricsAsArray()) {
      parts.push(await this.#registry.getSingleMetricAsString(name))
      await turn()
    }
    return `${parts.join('\n\n')}\n`
  }
}
