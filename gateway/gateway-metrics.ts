import { type Counter, formatMetrics, type Labels, type Metric } from './metrics.ts'
import type { Served } from './serve-database.ts'

/** What a gateway knows of itself. */
export interface GatewayFigures {
  /** By `route` and `status`. */
  readonly requests: Counter
  /** By `route`. */
  readonly bytes: Counter
  readonly connections: number
  readonly inFlight: number
  readonly subscribers: number
  readonly databases: ReadonlyMap<string, Served>
}

/** The text of /metrics. */
export function formatGatewayMetrics(figures: GatewayFigures): string {
  const upstream: [Labels, number][] = []
  const txids: [Labels, bigint][] = []
  const times: [Labels, number][] = []
  for (const [database, { counts, feed }] of figures.databases) {
    for (const [verb, count] of Object.entries(counts.requests)) upstream.push([{ database, verb }, count])
    if (!feed.newest) continue
    txids.push([{ database }, feed.newest.txid])
    times.push([{ database }, feed.newest.timestamp / 1000])
  }
  const single = (value: number): Metric['values'] => [[{}, value]]
  return formatMetrics([
    metric('requests_total', 'counter', 'Requests answered.', figures.requests),
    metric('sent_bytes_total', 'counter', 'Bytes of bodies sent.', figures.bytes),
    metric('connections', 'gauge', 'Connections open.', single(figures.connections)),
    metric('requests_in_flight', 'gauge', 'Requests being answered.', single(figures.inFlight)),
    metric('subscribers', 'gauge', 'Event streams open.', single(figures.subscribers)),
    metric('upstream_requests_total', 'counter', 'Requests to the stores.', upstream),
    metric('txid', 'gauge', 'Last transaction known.', txids),
    metric('transaction_timestamp_seconds', 'gauge', 'When it was made, by the clock of the primary.', times),
  ])
}

function metric(name: string, type: Metric['type'], help: string, values: Metric['values']): Metric {
  return { name: `litetap_gateway_${name}`, type, help, values }
}
