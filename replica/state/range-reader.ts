import type { LtxFileName, ReplicaClient } from '../../storage/index.ts'
import type { Payer } from '../core/account.ts'
import { fileKey } from '../core/file-key.ts'

/** A file that was to be read is not there (any more). Whoever reads a state plans it again from what there is. */
export class FileGone extends Error {
  override readonly name = 'FileGone'
  readonly file: LtxFileName

  constructor(file: LtxFileName) {
    super(`${fileKey(file)} is no longer there`)
    this.file = file
  }
}

export interface ByteRange {
  /** Bytes from the start of the file. */
  readonly offset: number
  /** Bytes; 0 is up to the end. */
  readonly size: number
}

/** Room for a range of unknown size, and what is made at once for one whose size nothing has proved. */
const FIRST_BYTES = 64 * 1024
const MAX_FIRST_BYTES = 4 * 1024 * 1024

/** Reads byte ranges of a replica's files, and accounts for them. */
export class RangeReader {
  readonly #client: ReplicaClient

  constructor(client: ReplicaClient) {
    this.#client = client
  }

  /**
   * The range's bytes; fewer when the file ends before.
   *
   * What a server sends beyond the range is not kept; of what it does not send no memory is taken beyond 4 MiB.
   *
   * @param onBytes hears how much of the result has arrived, which it gets to see
   * @returns fresh
   * @throws FileGone, StorageError, ReplicaError REPLICA_BUDGET, the signal's reason
   */
  async read(
    file: LtxFileName,
    range: ByteRange,
    options: {
      readonly account: Payer
      readonly signal?: AbortSignal | undefined
      readonly onBytes?: (bytes: Uint8Array, filled: number) => void
    },
  ): Promise<Uint8Array> {
    const { account, signal, onBytes } = options
    account.request(range.size)
    const stream = await this.#client.open(file, { ...range, ...(signal && { signal }) })
    if (stream === undefined) throw new FileGone(file)
    const most = range.size || Number.POSITIVE_INFINITY
    let bytes = new Uint8Array(Math.min(range.size || FIRST_BYTES, MAX_FIRST_BYTES))
    let filled = 0
    for await (const chunk of stream) {
      account.received(chunk.length)
      const part = chunk.subarray(0, most - filled)
      if (filled + part.length > bytes.length) bytes = grown(bytes, filled + part.length)
      bytes.set(part, filled)
      filled += part.length
      onBytes?.(bytes, filled)
      if (part.length < chunk.length) break // more than was asked for: perhaps without end
    }
    return filled === bytes.length ? bytes : bytes.slice(0, filled)
  }
}

function grown(bytes: Uint8Array, atLeast: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(atLeast, bytes.length * 2))
  larger.set(bytes)
  return larger
}
