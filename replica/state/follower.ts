import type { TXID } from '../../ltx/index.ts'
import { isLtxError } from '../../ltx/index.ts'
import type { LtxFileInfo } from '../../storage/index.ts'
import { fileKey } from '../core/file-key.ts'
import { damaged } from '../pages/page-fetcher.ts'
import { listLevel } from '../plan/list-levels.ts'
import { catchUp } from './catch-up.ts'
import { filesSince, MAX_STEPS } from './files-since.ts'
import { layerFile } from './layer-files.ts'
import { openWhole } from './open-file.ts'
import { type OpenSnapshotContext, openNewest } from './open-snapshot.ts'
import { addOpened, keepOpened } from './opened-files.ts'
import { FileGone } from './range-reader.ts'
import { comesAfter, type Snapshot } from './snapshot.ts'

/** The next L0 file is asked for with this many bytes: nearly always all of it. */
const PROBE_BYTES = 64 * 1024
export interface FollowerOptions {
  readonly context: OpenSnapshotContext
  /** A file that is not there is believed to be not there yet for so long; then the level is listed. */
  readonly listIntervalMs: number
  /** When that was done last. */
  readonly listedAt: number
  readonly now: () => number
}

/**
 * Finds newer states. The name of the next L0 file is known, so asking for it is one cheap request, and brings the file
 * whole when there is one. But a missing file may also have been compacted and deleted since the last time: so the
 * level is listed now and then, and when it does not go on where the state ends, all is planned anew.
 */
export class Follower {
  readonly #options: FollowerOptions
  #listedAt: number

  constructor(options: FollowerOptions) {
    this.#options = options
    this.#listedAt = options.listedAt
  }

  /**
   * The newest state.
   * @returns `state` itself when there is none that is newer
   * @throws StorageError, ReplicaError; then nothing is known, and the next call tries again
   */
  async advance(state: Snapshot): Promise<Snapshot> {
    const { now, listIntervalMs, context } = this.#options
    // A catalog costs no more than asking for a file, and asking a web server for what is not there yet is worse: the
    // answer may be kept on the way.
    if (context.client.listAll !== undefined || now() - this.#listedAt >= listIntervalMs)
      return await this.#repair(state)
    return await this.#probe(state)
  }

  /** Ask for the next file, and for those behind it as long as there are some: 1, then 2, then 4 at once. */
  async #probe(state: Snapshot): Promise<Snapshot> {
    let newest = state
    for (let count = 1, steps = 0; ; count = Math.min(count * 2, 8)) {
      this.#options.context.account.roundTrip()
      const txids = Array.from({ length: count }, (_, i) => newest.txid + 1n + BigInt(i))
      const found = await Promise.all(txids.map((txid) => this.#readNext(txid)))
      for (const bytes of found) {
        if (bytes === undefined) return newest
        if (bytes.length === PROBE_BYTES) return await this.#repair(newest) // the listing tells how long it is
        newest = this.#apply(newest, bytes)
        steps++
      }
      if (steps >= MAX_STEPS) return await this.#repair(newest)
    }
  }

  async #readNext(txid: TXID): Promise<Uint8Array | undefined> {
    const { reader, account, signal } = this.#options.context
    const file = { level: 0, minTXID: txid, maxTXID: txid }
    try {
      return await reader.read(file, { offset: 0, size: PROBE_BYTES }, { account, signal })
    } catch (error) {
      if (error instanceof FileGone) return undefined
      throw error
    }
  }

  #apply(state: Snapshot, bytes: Uint8Array): Snapshot {
    const { context, now } = this.#options
    const txid = state.txid + 1n
    const info: LtxFileInfo = { level: 0, minTXID: txid, maxTXID: txid, size: bytes.length, createdAt: now() }
    try {
      const opened = openWhole(info, bytes, context)
      const next = layerFile(state, opened)
      addOpened(context.opened, opened)
      return next
    } catch (error) {
      throw isLtxError(error) ? damaged({ key: fileKey(info) }, error, error.at) : error
    }
  }

  /** List L0 from the state's own file on: it must be there, or newer ones, since the newest is never deleted. */
  async #repair(state: Snapshot): Promise<Snapshot> {
    const { client, account, signal, opened } = this.#options.context
    account.request(0)
    account.roundTrip()
    const files = await listLevel(client, 0, { seek: state.txid, ...(signal && { signal }) })
    const listedAt = this.#options.now()
    const newer = files.length === 0 ? undefined : filesSince(state, files)
    let newest = state
    // Not even the state's own file, nor a newer one: the bucket was emptied, and what has a known name is another file.
    if (files.length === 0) keepOpened(opened, [])
    if (newer === undefined) {
      newest = await openNewest(this.#options.context)
      if (!comesAfter(newest, state)) return state // an old listing; the next check lists again
    } else {
      try {
        newest = await catchUp(state, newer, this.#options.context)
      } catch (error) {
        if (!(error instanceof FileGone)) throw error
        return state // compacted this very moment; the next check lists again
      }
    }
    this.#listedAt = listedAt
    keepOpened(
      opened,
      newest.files().map(({ info }) => info),
    )
    return newest
  }
}
