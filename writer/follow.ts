import { rm, stat } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import type { TXID } from '../ltx/index.ts'
import { fileKey, highestTXID, type Levels, listLevel, listLevels, type TxidGap } from '../replica/index.ts'
import type { LtxFileInfo, ReplicaClient } from '../storage/index.ts'
import { checkFollow } from './arguments.ts'
import { errnoCode, fileError } from './durable-file.ts'
import { isWriterError, WriterError } from './errors.ts'
import { FollowDatabase } from './follow-database.ts'
import { changeCounter, type JournalInfo } from './follow-journal.ts'
import { readPosition, writePosition } from './follow-position.ts'
import { SPOOL_SUFFIX, spoolFiles, spoolStamp } from './follow-spool.ts'
import { type FollowPlan, planFollow } from './plan-follow.ts'
import { type RestoreOptions, type RestoreResult, restoreWith } from './restore.ts'
import { SourceError } from './restore-fetch.ts'
import type { Sleep } from './retry-busy.ts'

/** What a follower tells while it runs. */
export type FollowEvent =
  /** The database was made. */
  | { readonly type: 'restored'; readonly result: RestoreResult }
  /** The database was there already. */
  | { readonly type: 'resumed'; readonly txid: TXID }
  | {
      readonly type: 'applied'
      readonly previous: TXID
      readonly txid: TXID
      readonly files: readonly LtxFileInfo[]
      /** Size of the database in pages. */
      readonly commit: number
      readonly durationMs: number
    }
  /** A look at the replica found nothing new. */
  | { readonly type: 'current'; readonly txid: TXID }
  /** The replica has newer states, but nothing leads to them; sent at every poll until something does. */
  | { readonly type: 'stalled'; readonly txid: TXID; readonly gap: TxidGap }
  /** The replica ends before the follower's state: it was reset, or is another one. Sent every now and then. */
  | { readonly type: 'ahead'; readonly txid: TXID; readonly replicaTXID: TXID }
  /** Readers keep the database locked. */
  | { readonly type: 'busy'; readonly waitedMs: number }
  /** A poll failed; it is tried again. */
  | { readonly type: 'error'; readonly error: unknown; readonly failures: number; readonly retryInMs: number }

export interface FollowOptions
  extends Pick<RestoreOptions, 'parallelism' | 'integrityCheck' | 'onProgress' | 'onWarning'> {
  /** Time between two looks at the replica. Default 1000. */
  readonly intervalMs?: number
  /** Ends following, cleanly. */
  readonly signal?: AbortSignal
  readonly onEvent?: (event: FollowEvent) => void
  /** Milliseconds, of any clock. */
  readonly now?: () => number
  readonly sleep?: Sleep
}

/** An idle follower lists L0 only, and everything as often as this: a repair, should a listing have been stale. */
const FULL_LIST_INTERVAL_MS = 30_000
const MAX_BACKOFF_MS = 30_000
/** Files applied in one go. */
const MAX_APPLY_FILES = 256

const FATAL = [
  'WRITER_FOLLOWER_MODIFIED',
  'WRITER_DATABASE_REPLACED',
  'WRITER_PAGE_SIZE_CHANGED',
  'WRITER_NOT_A_DATABASE',
  'WRITER_NO_DATABASE',
] as const

/**
 * Keep a database at a replica's newest state (facts 6.5): restore it if it is not there, then apply what is new.
 *
 * Readers open it for reading, in rollback mode, while this runs; each of their transactions sees one state of the
 * primary. A crash at any point leaves the state before or after. Where it stands is in `<output>-txid`.
 * Failures of the network and holes in the replica are told to `onEvent` and tried again for ever.
 *
 * @returns when `signal` was aborted: the TXID reached
 * @throws WriterError as `restore` at the start; WRITER_FOLLOW_NO_POSITION, WRITER_FOLLOWER_MODIFIED,
 *   WRITER_DATABASE_REPLACED, WRITER_PAGE_SIZE_CHANGED
 * @see litestream 63225f1 replica.go follow
 */
export async function follow(
  client: ReplicaClient,
  output: string,
  options: FollowOptions = {},
): Promise<{ txid: TXID | undefined }> {
  checkFollow(client, output, options)
  let follower: Follower | undefined
  try {
    follower = await Follower.start(client, output, options)
    await follower.run()
  } catch (error) {
    if (!options.signal?.aborted || isWriterError(error, ...FATAL)) throw error
  } finally {
    await follower?.close()
  }
  return { txid: follower?.txid }
}

class Follower {
  readonly #client: ReplicaClient
  readonly #output: string
  readonly #options: FollowOptions
  readonly #now: () => number
  readonly #sleep: Sleep
  readonly #intervalMs: number
  #database: FollowDatabase | undefined
  #txid: TXID = 0n
  /** The change counter page 1 must have: nobody else has written. */
  #counter = 0
  #damaged = new Set<string>()
  #lastFullList = Number.NEGATIVE_INFINITY

  private constructor(client: ReplicaClient, output: string, options: FollowOptions) {
    this.#client = client
    this.#output = output
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#sleep = options.sleep ?? ((ms, signal) => setTimeout(ms, undefined, signal && { signal }))
    this.#intervalMs = options.intervalMs ?? 1000
  }

  static async start(client: ReplicaClient, output: string, options: FollowOptions): Promise<Follower> {
    const follower = new Follower(client, output, options)
    try {
      const found = await sizeOf(output)
      if (found === 0) await follower.#restore()
      await follower.#open()
      if (found > 0) options.onEvent?.({ type: 'resumed', txid: follower.#txid })
      return follower
    } catch (error) {
      await follower.close()
      throw error
    }
  }

  get txid(): TXID {
    return this.#txid
  }

  async run(): Promise<void> {
    const { signal, onEvent } = this.#options
    for (let failures = 0; ; ) {
      signal?.throwIfAborted()
      let delayMs = this.#intervalMs
      try {
        if (this.#database === undefined) await this.#open()
        const state = await this.#poll()
        failures = 0
        if (state === 'more') continue
      } catch (error) {
        if (signal?.aborted || isWriterError(error, ...FATAL)) throw error
        if (error instanceof SourceError && !error.missing) this.#damaged.add(fileKey(error.file))
        failures++
        delayMs = Math.min(this.#intervalMs * 2 ** (failures - 1), Math.max(MAX_BACKOFF_MS, this.#intervalMs))
        onEvent?.({ type: 'error', error, failures, retryInMs: delayMs })
      }
      await this.#sleep(delayMs, signal)
    }
  }

  async close(): Promise<void> {
    this.#database?.close()
    this.#database = undefined
    await rm(this.#output + SPOOL_SUFFIX, { force: true }).catch(() => {})
  }

  async #restore(): Promise<void> {
    const { parallelism, integrityCheck, onProgress, onWarning, signal, onEvent } = this.#options
    const result = await restoreWith(this.#client, this.#output, {
      ...(parallelism !== undefined && { parallelism }),
      ...(integrityCheck !== undefined && { integrityCheck }),
      ...(onProgress && { onProgress }),
      ...(onWarning && { onWarning }),
      ...(signal && { signal }),
      now: this.#now,
      hooks: { rollbackMode: true, beforePublish: (txid) => writePosition(this.#output, txid) },
    })
    onEvent?.({ type: 'restored', result })
  }

  /** Open the database and find out where it stands. */
  async #open(): Promise<void> {
    const saved = await readPosition(this.#output)
    if (saved === undefined) throw noPosition(this.#output)
    const database = await FollowDatabase.open(this.#output, this.#lockOptions())
    this.#database = database
    this.#counter = database.header().changeCounter
    this.#txid = saved
    if (database.foundWrittenBy === 'sqlite') throw database.modified()
    if (database.foundWrittenBy === 'other') await this.#applySpool(await spoolStamp(database, saved), saved)
    // Page 1 changes together with all others, so it knows better than a file written afterwards.
    else this.#txid = saved + BigInt.asIntN(32, BigInt(this.#counter) - saved)
    if (this.#txid !== saved) await writePosition(this.#output, this.#txid)
  }

  async #poll(): Promise<'current' | 'more'> {
    const { onEvent } = this.#options
    const plan = await this.#plan()
    if (plan.files.length > 0) {
      const files = plan.files.slice(0, MAX_APPLY_FILES)
      await this.#apply(files)
      if (files.length < plan.files.length) return 'more'
    } else if (plan.gap === undefined) onEvent?.({ type: 'current', txid: this.#txid })
    if (plan.gap !== undefined) onEvent?.({ type: 'stalled', txid: this.#txid, gap: plan.gap })
    return 'current'
  }

  async #plan(): Promise<FollowPlan> {
    const { signal, onEvent } = this.#options
    const withSignal = signal === undefined ? {} : { signal }
    const full = this.#now() - this.#lastFullList >= FULL_LIST_INTERVAL_MS
    if (!full) {
      const l0 = await listLevel(this.#client, 0, { seek: this.#txid + 1n, ...withSignal })
      const plan = planFollow(this.#usable([l0]), this.#txid)
      if (plan.gap === undefined && this.#damaged.size === 0) return plan
    }
    const levels = await listLevels(this.#client, withSignal)
    this.#lastFullList = this.#now()
    const replicaTXID = highestTXID(levels.flat())
    if (replicaTXID < this.#txid) onEvent?.({ type: 'ahead', txid: this.#txid, replicaTXID })
    return planFollow(this.#usable(levels), this.#txid)
  }

  #usable(levels: Levels): Levels {
    if (this.#damaged.size === 0) return levels
    return levels.map((files) => files.filter((file) => !this.#damaged.has(fileKey(file))))
  }

  async #apply(files: readonly LtxFileInfo[]): Promise<void> {
    const { parallelism, signal, onEvent } = this.#options
    const started = this.#now()
    const previous = this.#txid
    const txid = files.at(-1)!.maxTXID
    const info = await spoolFiles(this.#client, this.#database!, {
      files,
      ...(parallelism !== undefined && { parallelism }),
      ...(signal && { signal }),
    })
    await this.#applySpool(info, txid)
    await writePosition(this.#output, txid)
    this.#damaged.clear()
    const durationMs = this.#now() - started
    onEvent?.({ type: 'applied', previous, txid, files, commit: info.commit, durationMs })
  }

  async #applySpool(info: JournalInfo, txid: TXID): Promise<void> {
    try {
      const change = { ...info, expectedCounter: this.#counter }
      await this.#database!.apply(this.#output + SPOOL_SUFFIX, change, this.#lockOptions())
    } catch (error) {
      // The journal may be in its place already; whoever opens the database next completes it.
      this.#database?.close()
      this.#database = undefined
      throw error
    }
    this.#txid = txid
    this.#counter = changeCounter(txid)
  }

  #lockOptions() {
    const { signal, onEvent } = this.#options
    return { sleep: this.#sleep, signal, onBusy: (waitedMs: number) => onEvent?.({ type: 'busy', waitedMs }) }
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return 0
    throw fileError(error, 'open', path)
  }
}

function noPosition(output: string): WriterError {
  return new WriterError('WRITER_FOLLOW_NO_POSITION', `Cannot follow into ${output}: ${output}-txid does not exist`, {
    at: { path: output },
    hint: 'It exists, but was not made by following. Delete it to restore it anew, or choose another path.',
  })
}
