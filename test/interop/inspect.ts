import type { Store, StoredFile } from './stores.ts'

/** What the tests look at in an LTX file, read by offsets (facts 1.1, 1.5) rather than by the code under test. */
export interface LtxSummary extends StoredFile {
  readonly minTXID: bigint
  readonly maxTXID: bigint
  readonly commit: number
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number
  readonly walOffset: bigint
  readonly walSize: bigint
  readonly salt1: number
  /** Pages in the file. */
  readonly pages: number
  readonly frames: 'block' | 'legacy'
}

export async function summaries(store: Store, replica: string, level: number): Promise<readonly LtxSummary[]> {
  const found: LtxSummary[] = []
  for (const file of await store.list(replica, level)) found.push(summary(file, await store.read(replica, file)))
  return found
}

export function summary(file: StoredFile, bytes: Buffer): LtxSummary {
  return {
    ...file,
    minTXID: bytes.readBigUInt64BE(16),
    maxTXID: bytes.readBigUInt64BE(24),
    commit: bytes.readUInt32BE(12),
    timestamp: Number(bytes.readBigInt64BE(32)),
    walOffset: bytes.readBigInt64BE(48),
    walSize: bytes.readBigInt64BE(56),
    salt1: bytes.readUInt32BE(64),
    pages: countIndexEntries(bytes),
    frames: bytes.readUInt16BE(104) === 1 ? 'block' : 'legacy',
  }
}

/** True when the file holds the whole database: what a replicator writes when it lost its place in the WAL. */
export function isFullImage({ pages, commit }: LtxSummary): boolean {
  return pages >= commit
}

function countIndexEntries(bytes: Buffer): number {
  const end = bytes.length - 16 - 8
  const index = bytes.subarray(end - Number(bytes.readBigUInt64BE(end)), end)
  let varints = 0
  for (const byte of index) if (byte < 0x80) varints++
  return (varints - 1) / 3
}
