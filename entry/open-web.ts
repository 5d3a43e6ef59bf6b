import { objectOf, type Shape, someText, wholeNumber } from '../arguments/index.ts'
import type { PageStore } from '../pagecache/index.ts'
import { openWebReplica, WEB_REPLICA_OPTIONS, type WebReplicaOptions } from '../storage/web.ts'
import type { Database, EngineModules } from '../vfs/index.ts'
import {
  COMMON_OPEN_OPTIONS,
  type CommonOpenOptions,
  MEMORY_BYTES,
  openDatabase,
  type Source,
} from './open-database.ts'

/** How a replica is opened in browsers and Workers. */
export interface WebOpenOptions extends WebReplicaOptions, Omit<CommonOpenOptions, 'cache'> {
  readonly cache?: CommonOpenOptions['cache'] & {
    /**
     * Keep pages for the next time, in the runtime's Cache API under this name; tabs of one origin share it. Where the
     * runtime refuses (private browsing, http://) pages are in memory alone. Default: none.
     */
    readonly name?: string
    /** What that may hold. Default 256 MiB. */
    readonly maxBytes?: number
  }
}

/** What those options may be. */
export const WEB_OPEN_OPTIONS: Shape<WebOpenOptions> = {
  ...COMMON_OPEN_OPTIONS,
  ...WEB_REPLICA_OPTIONS,
  cache: objectOf({ memoryBytes: MEMORY_BYTES, name: someText, maxBytes: wholeNumber(1) }),
}

/** Browsers and Workers send six requests at once to one server; a few more wait, so that none of the six ever does. */
const MIN_IN_FLIGHT = 8

/** Open a replica where there is `fetch` and perhaps the Cache API. @param options were checked. @throws as `open` of the entry */
export async function openOnWeb(
  source: Source,
  options: WebOpenOptions,
  engine: () => Promise<EngineModules>,
): Promise<Database> {
  const { cache: { name } = {} } = options
  return await openDatabase(
    source,
    { minInFlight: MIN_IN_FLIGHT, ...options },
    {
      engine,
      client: (url) => openWebReplica(url, options),
      store: async () => (name === undefined ? undefined : await openStore(name, options)),
    },
  )
}

async function openStore(name: string, { cache, onProblem }: WebOpenOptions): Promise<PageStore> {
  const { WebCache } = await import('../pagecache/web/index.ts')
  const { maxBytes } = cache ?? {}
  return await WebCache.open({ name, ...(maxBytes !== undefined && { maxBytes }), ...(onProblem && { onProblem }) })
}
