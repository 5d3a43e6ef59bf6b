import type { ReplicaClient } from '../storage/node.ts'
import type { Tokens } from './tokens.ts'

/** What a gateway lets through, and for how long. */
export interface GatewayLimits {
  /** Requests a second that one client address may go on with; 0: any number. Behind a proxy all have one address. */
  readonly requestsPerSecond: number
  /** Requests that one address may make at once, after a while of silence. */
  readonly burst: number
  /** Requests answered at the same time; others are told to come again. Event streams are not among them. */
  readonly concurrent: number
  /** Event streams at the same time. */
  readonly subscribers: number
  readonly connections: number
  /** A reader that takes nothing for so long is disconnected. */
  readonly idleTimeoutMs: number
  /** A request must have come for so long. */
  readonly requestTimeoutMs: number
  /** A reply must be over after so long. */
  readonly replyTimeoutMs: number
  /** Bytes of all headers of a request. */
  readonly headerBytes: number
  /** Characters of a request's target. */
  readonly targetLength: number
}

export const DEFAULT_LIMITS: GatewayLimits = {
  requestsPerSecond: 1000,
  burst: 5000,
  concurrent: 1024,
  subscribers: 1024,
  connections: 4096,
  idleTimeoutMs: 30_000,
  requestTimeoutMs: 10_000,
  replyTimeoutMs: 60 * 60_000,
  headerBytes: 8192,
  targetLength: 2048,
}

/** A file of a page that goes with the gateway. Everybody may read it: it needs no token. */
export interface StaticFile {
  readonly body: Uint8Array | string
  /** Its content-type. */
  readonly type: string
}

/** A request that has been answered, or given up. */
export interface AnsweredRequest {
  readonly method: string
  /** Without its query, in which somebody may have put a secret. */
  readonly path: string
  readonly address: string
  /** 0 when the reader left before there was a reply. */
  readonly status: number
  /** Bytes of the reply's body. */
  readonly bytes: number
  readonly ms: number
}

export interface GatewayOptions {
  /** What is served, by name. The clients are the gateway's from now on: closed with it. Give them retries. */
  readonly databases: ReadonlyMap<string, ReplicaClient>
  /** Who may read what. Absent: whoever can connect may read all; then only this machine can (`listen`). */
  readonly tokens?: Tokens
  /** Let others than this machine connect even without tokens. */
  readonly insecureNoToken?: boolean
  /**
   * Pages that may read, by origin; `*` for all. Default: with tokens all, since no page has them by itself; without, only
   * pages of this machine, since any page in a browser here could read all.
   */
  readonly origins?: readonly string[]
  /** Files by path: a page to look at the databases with. `/` is one of them, or a list of the databases. */
  readonly staticFiles?: ReadonlyMap<string, StaticFile>
  readonly limits?: Partial<GatewayLimits>
  /** A store is asked for a next transaction at most so often, and only while somebody wants to know. Default 1000. */
  readonly checkIntervalMs?: number
  /** All of it is listed at most so often. Default 30 000. */
  readonly listIntervalMs?: number
  /** Between comments in event streams. Default 15 000. */
  readonly keepAliveMs?: number
  /** Told of what readers learn only as "the store cannot be read". */
  readonly onError?: (error: unknown, database: string | undefined) => void
  readonly onRequest?: (request: AnsweredRequest) => void
}
