import type { Cost } from '../../../entry/web.ts'
import { formatBytes, plural } from '../data/format.ts'

/** What a query cost, in one line. */
export function costText({ requests, bytes, roundTrips, hits, misses }: Cost): string {
  if (requests === 0) return 'from memory, no requests'
  const share = hits + misses === 0 ? '' : `, ${Math.round((100 * hits) / (hits + misses))} % at hand`
  return `${plural(requests, 'request')}, ${formatBytes(bytes)}, ${plural(roundTrips, 'round trip')}${share}`
}
