import { type ReplicaClient, type RequestCounts, withCounting } from '../storage/node.ts'
import { GatewayError } from './errors.ts'
import { Feed } from './feed.ts'
import { DATABASE_NAME } from './route.ts'
import type { GatewayOptions } from './settings.ts'

/** One database of a gateway. */
export interface Served {
  readonly client: ReplicaClient
  /** What it has cost at the store. */
  readonly counts: RequestCounts
  readonly feed: Feed
}

const DEFAULT_CHECK_INTERVAL_MS = 1000
const DEFAULT_LIST_INTERVAL_MS = 30_000

/** Nothing is sent yet. @throws GatewayError GATEWAY_BAD_OPTION for what is no name */
export function serveDatabase(
  name: string,
  inner: ReplicaClient,
  options: Pick<GatewayOptions, 'checkIntervalMs' | 'listIntervalMs' | 'onError'>,
): Served {
  if (!DATABASE_NAME.test(name)) {
    throw new GatewayError('GATEWAY_BAD_OPTION', `Cannot serve a database as ${JSON.stringify(name)}`, {
      hint: 'A name has up to 64 letters, digits, and ._- but not in front.',
    })
  }
  const { client, counts } = withCounting(inner)
  const { checkIntervalMs = DEFAULT_CHECK_INTERVAL_MS, listIntervalMs = DEFAULT_LIST_INTERVAL_MS } = options
  const feed = new Feed(client, {
    checkIntervalMs,
    listIntervalMs,
    onError: (error) => options.onError?.(error, name),
    now: () => performance.now(),
  })
  return { client, counts, feed }
}
