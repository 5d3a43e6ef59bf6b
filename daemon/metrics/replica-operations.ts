import { Counter, Histogram, type Registry } from 'prom-client'

/** One request to a store, when it is over. */
export interface ReplicaRequest {
  readonly operation: 'PUT' | 'GET' | 'LIST' | 'DELETE'
  /** Of the files themselves, in either direction. */
  readonly bytes: number
  readonly ms: number
  /** Why it failed: a storage code, or another word. */
  readonly error?: string
}

const BUCKETS_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60]

/**
 * What is done to the stores, by their kind, under Litestream's names: all operations of all backends, where Litestream
 * counts some of some.
 *
 * @see facts 8.4
 */
export class ReplicaOperations {
  readonly #total: Counter<'replica_type' | 'operation'>
  readonly #bytes: Counter<'replica_type' | 'operation'>
  readonly #durations: Histogram<'replica_type' | 'operation'>
  readonly #errors: Counter<'replica_type' | 'operation' | 'code'>

  constructor(registry: Registry) {
    const registers = [registry]
    const labelNames = ['replica_type', 'operation'] as const
    this.#total = new Counter({
      name: 'litestream_replica_operation_total',
      help: 'The number of replica operations performed',
      labelNames,
      registers,
    })
    this.#bytes = new Counter({
      name: 'litestream_replica_operation_bytes',
      help: 'The number of bytes used by replica operations',
      labelNames,
      registers,
    })
    this.#durations = new Histogram({
      name: 'litestream_replica_operation_duration_seconds',
      help: 'Duration of replica operations by type and operation',
      labelNames,
      buckets: BUCKETS_SECONDS,
      registers,
    })
    this.#errors = new Counter({
      name: 'litestream_replica_operation_errors_total',
      help: 'Number of replica operation errors by type, operation, and error code',
      labelNames: [...labelNames, 'code'],
      registers,
    })
  }

  /** @param replicaType of the client: `s3`, ... */
  record(replicaType: string, { operation, bytes, ms, error }: ReplicaRequest): void {
    const labels = { replica_type: replicaType, operation }
    this.#total.inc(labels)
    this.#bytes.inc(labels, bytes)
    this.#durations.observe(labels, ms / 1000)
    if (error !== undefined) this.#errors.inc({ ...labels, code: error })
  }
}
