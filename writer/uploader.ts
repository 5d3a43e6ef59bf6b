import type { TXID } from '../ltx/index.ts'
import { type ByteStream, isStorageError, type LtxFileInfo, type ReplicaClient } from '../storage/index.ts'
import { WriterError } from './errors.ts'

/** Where the files to upload come from. */
export interface LocalFiles {
  /** The last TXID made; 0 before the first. */
  readonly txid: TXID
  openLocal(txid: TXID): Promise<Uint8Array | ByteStream>
}

/**
 * Copies local L0 files to the replica, one by one in TXID order, so that the replica never has a hole.
 *
 * Each is created, never replaced, where the store can tell: an object that stands there already and is not byte for
 * byte our own was put there by another writer.
 *
 * @see facts 4
 */
export class Uploader {
  readonly #client: ReplicaClient
  readonly #files: LocalFiles
  /** The replica's last TXID; undefined while it must be asked for. */
  #position: TXID | undefined
  #durable: TXID | undefined

  constructor(client: ReplicaClient, files: LocalFiles) {
    this.#client = client
    this.#files = files
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

  async #remotePosition(signal?: AbortSignal): Promise<TXID> {
    let position = 0n
    for await (const file of this.#client.list(0, signal ? { signal } : {})) {
      if (file.maxTXID > position) position = file.maxTXID
    }
    return position
  }

  async #uploadOne(txid: TXID, signal?: AbortSignal): Promise<LtxFileInfo> {
    const name = { level: 0, minTXID: txid, maxTXID: txid }
    const body = await this.#files.openLocal(txid)
    try {
      return await this.#client.write(name, body, { exclusive: true, ...(signal && { signal }) })
    } catch (error) {
      if (!isStorageError(error, 'STORAGE_PRECONDITION_FAILED')) throw error
      const info = await this.#ownCopy(txid)
      if (info) return info // an earlier attempt had arrived after all
      const key = `level 0, TXID ${txid}`
      throw new WriterError(
        'WRITER_SECOND_WRITER',
        `Another writer replicates to ${this.#client.url}: its file for TXID ${txid} is not ours`,
        {
          at: { key, txid },
          cause: error,
          hint: 'Stop one of the two. To go on from here with this database, run "litetap reset" on it and start again.',
        },
      )
    }
  }

  /** What the replica lists under our TXID, if it is byte for byte our own file. */
  async #ownCopy(txid: TXID): Promise<LtxFileInfo | undefined> {
    const name = { level: 0, minTXID: txid, maxTXID: txid }
    const remote = await this.#client.open(name)
    if (!remote || !(await sameBytes(remote, await this.#files.openLocal(txid)))) return undefined
    for await (const info of this.#client.list(0, { seek: txid })) if (info.maxTXID === txid) return info
    return undefined
  }
}

async function sameBytes(a: ByteStream, b: Uint8Array | ByteStream): Promise<boolean> {
  const other = b instanceof Uint8Array ? [b] : b
  const left = a[Symbol.asyncIterator]()
  let buffered: Uint8Array = new Uint8Array(0)
  try {
    for await (const chunk of other) {
      for (let at = 0; at < chunk.length; ) {
        if (buffered.length === 0) {
          const next = await left.next()
          if (next.done) return false
          buffered = next.value
          continue
        }
        const n = Math.min(buffered.length, chunk.length - at)
        if (Buffer.compare(buffered.subarray(0, n), chunk.subarray(at, at + n)) !== 0) return false
        buffered = buffered.subarray(n)
        at += n
      }
    }
    return buffered.length === 0 && (await left.next()).done === true
  } finally {
    await left.return?.()
  }
}
