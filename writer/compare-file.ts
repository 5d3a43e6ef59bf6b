import { Decoder, HEADER_SIZE, isLtxError, TRAILER_SIZE, type TXID } from '../ltx/index.ts'
import { type ByteStream, type LtxFileName, type ReplicaClient, readAll } from '../storage/index.ts'
import { WriterError } from './errors.ts'

/** What stands under a name of ours in the replica: the very same file, another one, none; or the local one is damaged. */
export type Remote = 'same' | 'other' | 'gone' | 'damaged'

/** Opens the local L0 file of a TXID. @throws WriterError WRITER_LTX_MISSING */
export type OpenLocal = (txid: TXID) => Promise<Uint8Array | ByteStream>

export function levelZero(txid: TXID): LtxFileName {
  return { level: 0, minTXID: txid, maxTXID: txid }
}

/**
 * Compare a TXID's file of level 0 in the replica with the local one, by their ends: the header names the commit, and the
 * trailer holds the checksum of all that is in the file. Two small requests.
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
  const { head, tail, size } = await endsOf(await openLocal(txid))
  if (size < HEADER_SIZE + TRAILER_SIZE) return 'damaged'
  const options = signal ? { signal } : {}
  const ranges = [
    { offset: 0, size: HEADER_SIZE },
    { offset: size - TRAILER_SIZE, size: TRAILER_SIZE + 1 }, // a longer file gives a byte more
  ]
  const found = await Promise.all(ranges.map((range) => client.open(name, { ...range, ...options })))
  const [remoteHead, remoteTail] = await Promise.all(found.map((stream) => stream && readAll(stream)))
  if (remoteHead === undefined || remoteTail === undefined) return 'gone'
  if (equalBytes(remoteHead, head) && equalBytes(remoteTail, tail)) return 'same'
  return (await isSound(await openLocal(txid))) ? 'other' : 'damaged'
}

/** Whether all of a file can be read, and is proved by its checksum. */
export async function isSound(file: Uint8Array | ByteStream): Promise<boolean> {
  const decoder = new Decoder()
  try {
    for await (const chunk of file instanceof Uint8Array ? [file] : file) {
      decoder.push(chunk)
      while (typeof decoder.nextPage() === 'object');
    }
    decoder.end()
    return true
  } catch (error) {
    if (isLtxError(error)) return false
    throw error
  }
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

/** A file's header and trailer, as they stand there; copies. */
export async function endsOf(
  file: Uint8Array | ByteStream,
): Promise<{ readonly head: Uint8Array; readonly tail: Uint8Array; readonly size: number }> {
  let head: Uint8Array = new Uint8Array(0)
  let tail: Uint8Array = new Uint8Array(0)
  let size = 0
  for await (const chunk of file instanceof Uint8Array ? [file] : file) {
    if (head.length < HEADER_SIZE) head = joined(head, chunk).slice(0, HEADER_SIZE)
    tail = (chunk.length >= TRAILER_SIZE ? chunk : joined(tail, chunk)).slice(-TRAILER_SIZE)
    size += chunk.length
  }
  return { head, tail, size }
}

function joined(left: Uint8Array, right: Uint8Array): Uint8Array {
  return Buffer.concat([left, right])
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
