import { commitOf, decodeHeader, HEADER_SIZE, isLtxError, type TXID, UNKNOWN_COMMIT } from '../ltx/index.ts'
import { type ByteStream, type LtxFileName, type ReplicaClient, readAll } from '../storage/index.ts'
import { WriterError } from './errors.ts'

/** What stands under a name of ours in the replica: the very same file, another one, or none. */
export type Remote = 'same' | 'other' | 'gone'

/** Opens the local L0 file of a TXID. @throws WriterError WRITER_LTX_MISSING */
export type OpenLocal = (txid: TXID) => Promise<Uint8Array | ByteStream>

export function levelZero(txid: TXID): LtxFileName {
  return { level: 0, minTXID: txid, maxTXID: txid }
}

/**
 * Compare a TXID's file of level 0 in the replica with the local one. Their headers tell where they name their commit: no
 * two of them have the same one. Files that name none are compared byte for byte.
 *
 * @throws StorageError; WriterError WRITER_LTX_MISSING when there is no local one
 */
export async function compareFile(
  client: ReplicaClient,
  openLocal: OpenLocal,
  txid: TXID,
  signal?: AbortSignal,
): Promise<Remote> {
  const name = levelZero(txid)
  const local = await firstBytes(await openLocal(txid))
  const head = await client.open(name, { offset: 0, size: HEADER_SIZE, ...(signal && { signal }) })
  if (head === undefined) return 'gone'
  if (!equalBytes(await readAll(head), local)) return 'other'
  if (namesItsCommit(local)) return 'same'
  const whole = await client.open(name, signal ? { signal } : {})
  if (whole === undefined) return 'gone'
  return (await sameBytes(whole, await openLocal(txid))) ? 'same' : 'other'
}

/** The error for a file under a name of ours that is not ours. */
export function secondWriter(client: ReplicaClient, txid: TXID, cause?: unknown): WriterError {
  return new WriterError(
    'WRITER_SECOND_WRITER',
    `Another writer replicates to ${client.url}: its file for TXID ${txid} is not ours`,
    {
      at: { key: `level 0, TXID ${txid}`, txid },
      cause,
      hint: 'Stop one of the two. To go on from here with this database, run "litetap reset" on it and start again.',
    },
  )
}

function namesItsCommit(header: Uint8Array): boolean {
  try {
    return commitOf(decodeHeader(header).nodeID) !== UNKNOWN_COMMIT
  } catch (error) {
    if (isLtxError(error)) return false
    throw error
  }
}

/** A file's header, as it stands there. */
export async function firstBytes(file: Uint8Array | ByteStream): Promise<Uint8Array> {
  if (file instanceof Uint8Array) return file.slice(0, HEADER_SIZE)
  const bytes = new Uint8Array(HEADER_SIZE)
  let filled = 0
  for await (const chunk of file) {
    const part = chunk.subarray(0, HEADER_SIZE - filled)
    bytes.set(part, filled)
    filled += part.length
    if (filled === HEADER_SIZE) break
  }
  return bytes.subarray(0, filled)
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
        if (!equalBytes(buffered.subarray(0, n), chunk.subarray(at, at + n))) return false
        buffered = buffered.subarray(n)
        at += n
      }
    }
    return buffered.length === 0 && (await left.next()).done === true
  } finally {
    await left.return?.()
  }
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
