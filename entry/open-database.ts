import {
  abortSignal,
  atLeast,
  type Check,
  callback,
  flag,
  isOfClass,
  objectOf,
  oneOf,
  type Shape,
  shown,
  wholeNumber,
} from '../arguments/index.ts'
import { PageCache, type PageStore } from '../pagecache/index.ts'
import { Replica, type ReplicaOptions } from '../replica/index.ts'
import { lent, type ReplicaClient, RetryingReader, replicaClient } from '../storage/index.ts'
import {
  type BridgeKind,
  ConnectionPool,
  Database,
  type DatabaseOptions,
  type EngineModules,
  type PoolContext,
  type PoolOptions,
  VfsError,
} from '../vfs/index.ts'
import { Opening } from './opening.ts'

/** What a database is opened from: a replica's URL, or its client. */
export type Source = string | URL | ReplicaClient

/** What all runtimes have in common when a replica is opened. */
export interface CommonOpenOptions
  extends DatabaseOptions,
    PoolOptions,
    Omit<ReplicaOptions, 'cache' | 'store' | 'now'> {
  readonly cache?: {
    /** Pages in memory. Default 64 MiB, in Workers 32 MiB. */
    readonly memoryBytes?: number
  }
}

const BRIDGES: Readonly<Record<BridgeKind, true>> = { jspi: true, asyncify: true }

/** What the common options may be. An entry adds its own, `cache` among them. */
export const COMMON_OPEN_OPTIONS: Shape<Omit<CommonOpenOptions, 'cache'>> = {
  now: callback,
  onProblem: callback,
  poolSize: wholeNumber(1),
  deadlockMs: atLeast(0),
  sqliteCacheBytes: wholeNumber(0),
  bridge: oneOf(...Object.keys(BRIDGES)),
  checkIntervalMs: atLeast(0),
  follow: flag,
  listIntervalMs: atLeast(0),
  maxInFlight: wholeNumber(1),
  minInFlight: wholeNumber(1),
  proofIntervalMs: atLeast(0),
  doubleQuotedStrings: flag,
  signal: abortSignal,
}

export const MEMORY_BYTES: Check = wholeNumber(1)

/** What a timer can wait for. */
const MAX_INTERVAL_MS = 2 ** 31 - 1

/**
 * Check what an entry's `open` was given.
 * @throws VfsError VFS_USAGE
 */
export function checkOpening(source: unknown, options: unknown, shape: Readonly<Record<string, Check>>): void {
  const complaint = wrongSource(source) ?? objectOf(shape)(options, 'options') ?? wrongInterval(options as object)
  if (complaint !== undefined) throw new VfsError('VFS_USAGE', `Cannot open a database: ${complaint}`)
}

function wrongSource(source: unknown): string | undefined {
  if (typeof source === 'string' || isOfClass(source, 'URL') || !replicaClient(source, '')) return undefined
  return `give the URL of a replica, or its client, but it is ${shown(source)}`
}

function wrongInterval({ follow, checkIntervalMs = 0 }: { follow?: boolean; checkIntervalMs?: number }) {
  if (!follow || checkIntervalMs <= MAX_INTERVAL_MS) return undefined
  return `checkIntervalMs must be at most ${MAX_INTERVAL_MS} where \`follow\` is set`
}

/** What differs between runtimes: where SQLite, replicas and a cache that lasts come from. */
export interface Platform {
  engine(): Promise<EngineModules>
  client(url: string): Promise<ReplicaClient>
  /** Undefined: no page outlives this database. */
  store(): Promise<PageStore | undefined>
  /** Where the runtime can tell within which transaction a query is asked for. */
  readonly context?: PoolContext
}

/**
 * Open a replica with what the runtime's entry supplies. When it fails or is aborted, nothing of it stays, but a client that
 * was given, which is the caller's again.
 * @throws as `open` of the entry
 */
export async function openDatabase(source: Source, options: CommonOpenOptions, platform: Platform): Promise<Database> {
  const {
    cache = {},
    poolSize,
    deadlockMs,
    bridge,
    sqliteCacheBytes,
    doubleQuotedStrings,
    now,
    onProblem,
    ...rest
  } = options
  rest.signal?.throwIfAborted()
  const opening = new Opening(rest.signal)
  let taken = false
  try {
    const given = isClient(source) ? lent(source) : undefined
    const client =
      given?.client ??
      (await opening.made(reader(String(source), platform), async (made) => {
        if (!taken) await made.close() // else the replica does
      }))
    const store = await opening.made(platform.store(), async (made) => made?.close())
    const memory = new PageCache(cache.memoryBytes === undefined ? {} : { maxBytes: cache.memoryBytes })
    const replicaOptions = {
      ...rest,
      cache: memory,
      ...(store && { store }),
      ...(now && { now }),
      ...(onProblem && { onProblem }),
    }
    const poolOptions = {
      ...(poolSize !== undefined && { poolSize }),
      ...(deadlockMs !== undefined && { deadlockMs }),
      ...(bridge && { bridge }),
      ...(sqliteCacheBytes !== undefined && { sqliteCacheBytes }),
      ...(doubleQuotedStrings !== undefined && { doubleQuotedStrings }),
    }
    const [replica, pool] = await Promise.all([
      opening.made(Replica.open(client, replicaOptions), (made) => {
        taken = true
        return made.close()
      }),
      opening.made(startPool(platform, poolOptions), async (made) => made.close()),
    ])
    given?.giveAway()
    return Database.open(replica, pool, {
      ...(now && { now }),
      ...(onProblem && { onProblem }),
      ...(store && { store }),
    })
  } catch (error) {
    await opening.undo()
    throw error
  }
}

function isClient(source: Source): source is ReplicaClient {
  return typeof source !== 'string' && !isOfClass(source, 'URL')
}

async function reader(url: string, platform: Platform): Promise<ReplicaClient> {
  return new RetryingReader(await platform.client(url))
}

async function startPool(platform: Platform, options: PoolOptions): Promise<ConnectionPool> {
  return await ConnectionPool.start(await platform.engine(), options, platform.context)
}
