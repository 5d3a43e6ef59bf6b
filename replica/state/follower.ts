import { decodeHeader, isLtxError, type TXID } from '../../ltx/index.ts'
import type { LtxFileInfo } from '../../storage/index.ts'
import { isReplicaError } from '../core/errors.ts'
import { listLevel } from '../plan/list-levels.ts'
import { catchUp } from './catch-up.ts'
import { areAsListed, filesSince, isListed, MAX_STEPS } from './files-since.ts'
import { layerFile } from './layer-files.ts'
import { openWhole } from './open-file.ts'
import { type OpenSnapshotContext, openNewest } from './open-snapshot.ts'
import { addOpened, joinBatch, keepOpened, newBatch } from './opened-files.ts'
import { FileGone } from './range-reader.ts'
import { relate } from './relate.ts'
import type { Snapshot } from './snapshot.ts'
import { type Standing, standingOf } from './standing.ts'

/** The next L0 file is asked for with this many bytes: nearly always all of it. */
const PROBE_BYTES = 64 * 1024

export interface FollowerOptions {
  readonly context: OpenSnapshotContext
  /** A file that is not there is believed to be not there yet for so long; then the level is listed. */
  readonly listIntervalMs: number
  /** While nothing new comes, the place is believed to be the same for so long; then that is proved. */
  readonly proofIntervalMs: number
  /** When all was listed, and so proved, last. */
  readonly listedAt: number
  readonly now: () => number
}

/**
 * Finds newer states. The name of the next L0 file is known, so asking for it is one cheap request, and brings the file
 * whole when there is one. But a missing file may also have been compacted and deleted since the last time: so the
 * level is listed now and then, and when it does not go on where the state ends, all is planned anew.
 *
 * A name proves nothing: the place may have been emptied and begun anew. So nothing is applied before the file that the
 * state ends with has been found unchanged after what comes next was read (`standingOf`).
 */
export class Follower {
  readonly #options: FollowerOptions
  #listedAt: number
  #provedAt: number

  constructor(options: FollowerOptions) {
    this.#options = options
    this.#listedAt = options.listedAt
    this.#provedAt = options.listedAt
  }

  /**
   * The newest state.
   * @returns `state` itself when there is none that is newer; a state of another history when the place was begun anew, or
   *   when it cannot be proved to go on from `state`
   * @throws StorageError, ReplicaError; then nothing is known, and the next call tries again
   */
  async advance(state: Snapshot, signal: AbortSignal): Promise<Snapshot> {
    const { now, listIntervalMs } = this.#options
    const context = this.#context(signal)
    // A catalog costs no more than asking for a file, and asking a web server for what is not there yet is worse: the
    // answer may be kept on the way.
    if (context.client.listAll !== undefined || now() - this.#listedAt >= listIntervalMs)
      return await this.#list(state, context)
    return await this.#probe(state, context)
  }

  /**
   * The newest state by what there is now.
   * @param base the newest that is known
   * @returns the state as it was found, in the history of `base` where that is proved; or `base`
   * @throws StorageError, ReplicaError
   */
  async replan(base: Snapshot, signal: AbortSignal): Promise<Snapshot> {
    return await this.#planAnew(base, this.#context(signal))
  }

  /** Whether a place still has a state's history. @throws StorageError, ReplicaError */
  async standing(state: Snapshot, signal: AbortSignal): Promise<Standing> {
    return await standingOf(state, this.#context(signal))
  }

  #context(signal: AbortSignal): OpenSnapshotContext {
    return { ...this.#options.context, signal }
  }

  /** Ask for the next file, and for those behind it as long as there are some: 1, then 2, then 4 at once. */
  async #probe(state: Snapshot, context: OpenSnapshotContext): Promise<Snapshot> {
    const { now, proofIntervalMs } = this.#options
    let newest = state
    let unproved = now() - this.#provedAt >= proofIntervalMs
    let more = true
    for (let count = 1, steps = 0; ; count = Math.min(count * 2, 8)) {
      context.account.roundTrip()
      const askedAt = now()
      const txids = Array.from({ length: more ? count : 0 }, (_, i) => newest.txid + 1n + BigInt(i))
      const [standing, found] = await Promise.all([
        unproved ? standingOf(state, context) : undefined,
        Promise.all(txids.map((txid) => readNext(txid, context))),
      ])
      if (standing !== undefined) {
        if (standing !== 'there') return await this.#planAnew(state, context, standing)
        this.#provedAt = askedAt
        unproved = false
      }
      for (const bytes of found) {
        if (bytes === undefined) {
          more = false
          break
        }
        // The listing tells how long it is, and what else there is.
        const next = bytes.length < PROBE_BYTES ? this.#apply(newest, bytes, context) : undefined
        if (next === undefined || ++steps > MAX_STEPS) return await this.#list(state, context)
        newest = next
        unproved = true
      }
      if (!unproved) return newest
    }
  }

  /** @returns undefined when the file is not one that comes next: listings tell what it is */
  #apply(state: Snapshot, bytes: Uint8Array, context: OpenSnapshotContext): Snapshot | undefined {
    const txid = state.txid + 1n
    try {
      const createdAt = decodeHeader(bytes).timestamp
      const info = { level: 0, minTXID: txid, maxTXID: txid, size: bytes.length, createdAt }
      const opened = openWhole(info, bytes, context)
      const next = layerFile(state, opened)
      addOpened(context.opened, opened)
      return next
    } catch (error) {
      if (isLtxError(error) || isReplicaError(error)) return undefined
      throw error
    }
  }

  /** List L0 from the state's own file on: it must be there, or newer ones, since the newest is never deleted. */
  async #list(state: Snapshot, context: OpenSnapshotContext): Promise<Snapshot> {
    const { client, account, opened } = context
    const catalogued = client.listAll !== undefined
    const listedAt = this.#options.now()
    account.roundTrip()
    const [files, standing] = await Promise.all([
      listFrom(state, context),
      catalogued ? undefined : standingOf(state, context),
    ])
    // Not even the state's own file, nor a newer one: the place was emptied, and what has a known name is another file.
    if (!files.some(({ level, maxTXID }) => level === 0 && maxTXID >= state.txid)) keepOpened(opened, [])
    // What a catalog lists is of one moment, with each file's own time.
    const proved =
      catalogued && isListed(state.newest, files) ? 'there' : (standing ?? (await standingOf(state, context)))
    const newer = proved === 'there' ? filesSince(state, files) : undefined
    if (newer === undefined) return await this.#planAnew(state, context, proved)
    let newest: Snapshot
    try {
      newest = await catchUp(state, newer, context)
      const goesOn = catalogued ? await areAsListed(newer, context) : await this.#isUnchanged(state, newer, context)
      if (!goesOn) return await this.#planAnew(state, context)
    } catch (error) {
      if (!(error instanceof FileGone)) throw error
      return state // compacted this very moment; the next check lists again
    }
    this.#settle(newest, listedAt, context)
    return newest
  }

  /** Whether files that were read after they were listed are of the state's history. */
  async #isUnchanged(state: Snapshot, newer: readonly LtxFileInfo[], context: OpenSnapshotContext): Promise<boolean> {
    if (newer.length === 0) return true
    context.account.roundTrip()
    return (await standingOf(state, context)) === 'there'
  }

  async #planAnew(state: Snapshot, context: OpenSnapshotContext, standing?: Standing): Promise<Snapshot> {
    const listedAt = this.#options.now()
    if (standing === 'other') keepOpened(context.opened, [])
    let newest = await openNewest(context)
    if (standing === 'gone' && newest.txid < state.txid) {
      // Another history, perhaps: what is open of the old one may have the same names, sizes and times.
      keepOpened(context.opened, [])
      newest = await openNewest(context)
    }
    const found = await relate(state, newest, context, standing)
    if (found !== state) this.#settle(found, listedAt, context)
    return found // or the listing was an old one: the next check lists again
  }

  #settle(newest: Snapshot, listedAt: number, { opened }: OpenSnapshotContext): void {
    this.#listedAt = listedAt
    this.#provedAt = listedAt
    const infos = newest.files().map(({ info }) => info)
    keepOpened(opened, infos)
    joinBatch(opened, infos, newBatch()) // it has been proved
  }
}

/** Files of level 0 from a state's last one on, and with a catalog those of that file's level. */
async function listFrom(
  state: Snapshot,
  { client, account, signal }: OpenSnapshotContext,
): Promise<readonly LtxFileInfo[]> {
  account.request(0)
  const seek = state.txid
  const { level } = state.newest.info
  if (client.listAll === undefined || level === 0)
    return await listLevel(client, 0, { seek, ...(signal && { signal }) })
  const files = await client.listAll(signal)
  return files.filter((file) => file.level === level || (file.level === 0 && file.minTXID >= seek))
}

async function readNext(txid: TXID, { reader, account, signal }: OpenSnapshotContext): Promise<Uint8Array | undefined> {
  const file = { level: 0, minTXID: txid, maxTXID: txid }
  try {
    return await reader.read(file, { offset: 0, size: PROBE_BYTES }, { account, signal })
  } catch (error) {
    if (error instanceof FileGone) return undefined
    throw error
  }
}
