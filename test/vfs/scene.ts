import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { onTestFinished } from 'vitest'
import { Encoder, lockPgno } from '../../ltx/index.ts'
import { PageCache } from '../../pagecache/index.ts'
import { Replica, type ReplicaOptions } from '../../replica/index.ts'
import { memoryReplica, type ReplicaClient } from '../../storage/index.ts'
import {
  type BridgeKind,
  ConnectionPool,
  Database,
  type DatabaseOptions,
  type PoolContext,
  type PoolOptions,
  type SqlParameters,
} from '../../vfs/index.ts'
import { loadEngineModules } from '../../vfs/load-node.ts'
import { altered } from '../support/altered-client.ts'
import { ltxHeader } from '../support/ltx-header.ts'
import { tempDir } from '../support/temp-dir.ts'

export const BRIDGES: readonly BridgeKind[] = ['jspi', 'asyncify']

/** A database that an application writes with the system's own SQLite, uploaded whenever `upload` is called. */
export class Source {
  readonly native: DatabaseSync
  readonly client = memoryReplica()
  readonly path: string
  #txid = 0n
  #uploaded: Buffer = Buffer.alloc(0)

  /** @param dir a folder that outlives its use, where that is more than one test */
  constructor(sql: string, dir?: string) {
    this.path = join(dir ?? tempDir(), 'source.db')
    this.native = new DatabaseSync(this.path)
    if (dir === undefined) onTestFinished(() => this.native.close())
    this.native.exec(sql)
  }

  get txid(): bigint {
    return this.#txid
  }

  /** Upload what changed since the last time as one L0 file, in the flavour that a WAL database has. */
  async upload(): Promise<void> {
    const txid = ++this.#txid
    const image = this.#image()
    const before = txid > 1n ? this.#uploaded : undefined
    await this.client.write({ level: 0, minTXID: txid, maxTXID: txid }, encode(image, txid, txid, before))
    this.#uploaded = image
  }

  #image(): Buffer {
    const image = readFileSync(this.path)
    image[18] = 2
    image[19] = 2
    return image
  }

  /** What the system's SQLite answers. */
  expected(sql: string, parameters: readonly (string | number | bigint | null)[] = []): unknown[] {
    return this.native
      .prepare(sql)
      .all(...parameters)
      .map((row) => ({ ...row }))
  }

  /** Open it with nothing at hand. */
  async open(bridge: BridgeKind, options: Opening = {}): Promise<Database> {
    const {
      client = memoryReplica({ bucket: this.client.bucket }),
      replica = {},
      memoryBytes,
      now,
      ...others
    } = options
    const { onProblem, context, ...rest } = others
    const cache = new PageCache(memoryBytes === undefined ? {} : { maxBytes: memoryBytes })
    const opened = await Replica.open(client, { checkIntervalMs: 0, cache, ...replica })
    const pool = await ConnectionPool.start(await loadEngineModules(), { bridge, ...rest }, context)
    const db = Database.open(opened, pool, { ...(now && { now }), ...(onProblem && { onProblem }) })
    onTestFinished(() => db.close())
    return db
  }
}

/** An LTX file of the pages of `image`: all of them, or those that differ from `before`. */
function encode(image: Buffer, minTXID: bigint, maxTXID: bigint, before?: Buffer): Uint8Array {
  const pageSize = image.readUInt16BE(16) === 1 ? 65536 : image.readUInt16BE(16)
  const commit = image.length / pageSize
  const timestamp = Date.UTC(2026, 0, 1) + Number(maxTXID) * 1000
  const encoder = new Encoder(ltxHeader({ pageSize, commit, minTXID, maxTXID, timestamp }))
  for (let pgno = 1; pgno <= commit; pgno++) {
    const page = image.subarray((pgno - 1) * pageSize, pgno * pageSize)
    const same = before && page.equals(before.subarray((pgno - 1) * pageSize, pgno * pageSize))
    if (pgno !== lockPgno(pageSize) && !same) encoder.encodePage(pgno, page)
  }
  encoder.finish()
  return encoder.take()
}

export interface Opening extends DatabaseOptions, PoolOptions {
  readonly client?: ReplicaClient
  readonly replica?: ReplicaOptions
  /** Tells within which transaction a query is asked for. Default: nothing does. */
  readonly context?: PoolContext
  /** Room for pages in memory. */
  readonly memoryBytes?: number
}

export async function source(sql: string, dir?: string): Promise<Source> {
  const made = new Source(sql, dir)
  await made.upload()
  return made
}

/** Rows of a query, twice: cold and warm must not differ. */
export async function rows(db: Database, sql: string, parameters: SqlParameters = []): Promise<unknown[]> {
  const cold = await db.all(sql, parameters)
  const warm = await db.all(sql, parameters)
  if (JSON.stringify(cold, text) !== JSON.stringify(warm, text)) throw new Error(`Cold and warm differ: ${sql}`)
  return cold
}

function text(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value
}

/** A client whose reads take a while: so many turns of the event loop, or milliseconds. */
export function slow(client: ReplicaClient, { turns = 3, ms = 0 } = {}): ReplicaClient {
  return altered(client, {
    open: async (file, range) => {
      for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve))
      if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms))
      return await client.open(file, range)
    },
  })
}
