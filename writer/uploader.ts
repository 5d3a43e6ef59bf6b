import { commitOf, decodeHeader, HEADER_SIZE, SNAPSHOT_LEVEL, type TXID, UNKNOWN_COMMIT } from '../ltx/index.ts'
import { type ByteStream, isStorageError, type LtxFileInfo, type ReplicaClient, readAll } from '../storage/index.ts'
import { compareFile, endsOf, levelZero, secondWriter } from './compare-file.ts'
import { isWriterError } from './errors.ts'

/** Where the files to upload come from. */
export interface LocalFiles {
  /** The last TXID made; 0 before the first. */
  readonly txid: TXID
  openLocal(txid: TXID): Promise<Uint8Array | ByteStream>
}

/** Milliseconds of two clocks: one that only goes forward, but may stand still with the machine, and the calendar's. */
export interface Clocks {
  readonly monotonic: () => number
  readonly wall: () => number
}

const CLOCKS: Clocks = { monotonic: () => performance.now(), wall: Date.now }

interface Moment {
  readonly monotonic: number
  readonly wall: number
}

export interface UploaderOptions {
  /** Names of level 0 may be deleted, and so be free again, this long after they were made; 0: never. */
  readonly l0RetentionMs: number
  /** Default: the process's. */
  readonly clocks?: Clocks
}

/**
 * Copies local L0 files to the replica, one by one in TXID order, so that the replica never has a hole.
 *
 * Each is created, never replaced, where the store can tell: an object that stands there already and is not our own was put
 * there by another writer. But names are deleted in time, and are free again then: a file is believed to be the next one
 * only while what was proved of the place is fresh; otherwise nothing above level 0 may hold its TXID yet.
 *
 * @see facts 4
 */
export class Uploader {
  readonly #client: ReplicaClient
  readonly #files: LocalFiles
  readonly #options: UploaderOptions
  /** The replica's last TXID; undefined while it must be asked for. */
  #position: TXID | undefined
  /** Since when the position is known to be ours; undefined: it is not. */
  #provedAt: Moment | undefined
  #durable: TXID | undefined

  constructor(client: ReplicaClient, files: LocalFiles, options: UploaderOptions) {
    this.#client = client
    this.#files = files
    this.#options = options
  }

  /** The last TXID known to be durable in the replica; undefined until it was first asked. */
  get durable(): TXID | undefined {
    return this.#durable
  }

  /** The replica now holds a snapshot up to here: files before it need not come. */
  skipTo(txid: TXID): void {
    this.#advance(txid)
  }

  /**
   * Upload what is local and not in the replica yet.
   *
   * @param options.maxFiles so many at the most; 0 or absent: all
   * @returns false when there are more
   * @param options.onFile called after each file, which is durable then
   * @throws StorageError; WriterError WRITER_SECOND_WRITER, WRITER_LTX_MISSING; the replica's position is asked again next time
   */
  async upload(
    options: { onFile?: (info: LtxFileInfo) => void; signal?: AbortSignal; maxFiles?: number } = {},
  ): Promise<boolean> {
    const maxFiles = options.maxFiles || Number.POSITIVE_INFINITY
    try {
      let position = this.#position ?? (await this.#remotePosition(options.signal))
      this.#advance(position)
      for (let files = 0; position < this.#files.txid; files++) {
        if (files >= maxFiles) return false
        options.signal?.throwIfAborted()
        const info = await this.#uploadOne(++position, options.signal)
        this.#advance(position)
        options.onFile?.(info)
      }
      return true
    } catch (error) {
      this.#position = undefined
      throw error
    }
  }

  #advance(txid: TXID): void {
    this.#position = txid
    this.#durable = txid
  }

  /** @throws WriterError WRITER_SECOND_WRITER when what stands there is not what we put there */
  async #remotePosition(signal?: AbortSignal): Promise<TXID> {
    const startedAt = this.#now()
    let position = 0n
    for await (const file of this.#client.list(0, signal ? { signal } : {})) {
      if (file.maxTXID > position) position = file.maxTXID
    }
    if (position > this.#files.txid) throw secondWriter(this.#client, position)
    if (position > 0n && (await this.#isOther(position, signal))) throw secondWriter(this.#client, position)
    this.#provedAt = startedAt
    return position
  }

  /** A file that is no longer here proves nothing. */
  async #isOther(txid: TXID, signal: AbortSignal | undefined): Promise<boolean> {
    try {
      return (await compareFile(this.#client, (of) => this.#files.openLocal(of), txid, signal)) === 'other'
    } catch (error) {
      if (isWriterError(error, 'WRITER_LTX_MISSING')) return false
      throw error
    }
  }

  async #uploadOne(txid: TXID, signal?: AbortSignal): Promise<LtxFileInfo> {
    const startedAt = this.#now()
    const info = await this.#create(txid, signal)
    // After the answer: the process may have stood still at any moment before it.
    const { l0RetentionMs } = this.#options
    if (l0RetentionMs > 0 && this.#sinceProof() >= l0RetentionMs / 2) {
      if (await this.#isOvertaken(txid, signal)) {
        await this.#client.delete([levelZero(txid)], signal)
        throw secondWriter(this.#client, txid)
      }
      this.#provedAt = startedAt
    } else if (this.#client.createsExclusively) this.#provedAt = startedAt
    return info
  }

  async #create(txid: TXID, signal: AbortSignal | undefined): Promise<LtxFileInfo> {
    const body = await this.#files.openLocal(txid)
    try {
      return await this.#client.write(levelZero(txid), body, { exclusive: true, ...(signal && { signal }) })
    } catch (error) {
      if (!isStorageError(error, 'STORAGE_PRECONDITION_FAILED')) throw error
      const info = await this.#ownCopy(txid, signal)
      if (info) return info // an earlier attempt had arrived after all
      throw secondWriter(this.#client, txid, error)
    }
  }

  /** What the replica lists under our TXID, if it is our own file. */
  async #ownCopy(txid: TXID, signal: AbortSignal | undefined): Promise<LtxFileInfo | undefined> {
    const remote = await compareFile(this.#client, (of) => this.#files.openLocal(of), txid, signal)
    if (remote !== 'same') return undefined
    for await (const info of this.#client.list(0, { seek: txid, ...(signal && { signal }) })) {
      if (info.maxTXID === txid) return info
    }
    return undefined
  }

  /** Whether a file above level 0 holds this TXID already, and is not our own snapshot. */
  async #isOvertaken(txid: TXID, signal: AbortSignal | undefined): Promise<boolean> {
    const options = signal ? { signal } : {}
    const covering: LtxFileInfo[] = []
    await Promise.all(
      Array.from({ length: SNAPSHOT_LEVEL }, async (_, i) => {
        for await (const file of this.#client.list(i + 1, options)) {
          if (file.minTXID <= txid && file.maxTXID >= txid) covering.push(file)
        }
      }),
    )
    for (const file of covering) if (!(await this.#isOurs(file, signal))) return true
    return false
  }

  /** A snapshot may be ahead of level 0: its header names the commit that it ends with. */
  async #isOurs(file: LtxFileInfo, signal: AbortSignal | undefined): Promise<boolean> {
    if (file.maxTXID > this.#files.txid) return false
    const head = await this.#client.open(file, { offset: 0, size: HEADER_SIZE, ...(signal && { signal }) })
    if (head === undefined) return true // it is gone, and covers nothing
    const local = await endsOf(await this.#files.openLocal(file.maxTXID))
    const commit = commitOf(decodeHeader(local.head).nodeID)
    return commit !== UNKNOWN_COMMIT && commitOf(decodeHeader(await readAll(head)).nodeID) === commit
  }

  #now(): Moment {
    const { monotonic, wall } = this.#options.clocks ?? CLOCKS
    return { monotonic: monotonic(), wall: wall() }
  }

  /** At least so many milliseconds ago: by the clock that says more. */
  #sinceProof(): number {
    const now = this.#now()
    const proved = this.#provedAt
    return proved ? Math.max(now.monotonic - proved.monotonic, now.wall - proved.wall) : Number.POSITIVE_INFINITY
  }
}
