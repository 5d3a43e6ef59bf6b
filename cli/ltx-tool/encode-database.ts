import { Encoder, type FrameForm } from '../../ltx/index.ts'
import type { DatabasePages } from './database-pages.ts'

const CHUNK_BYTES = 192 * 1024

/**
 * A database as an LTX snapshot of TXID 1 with checksums.
 *
 * @param options.timestamp milliseconds since the Unix epoch
 * @returns chunks, each valid until the next is asked for
 */
export async function* encodeDatabase(
  database: DatabasePages,
  { form, timestamp }: { readonly form: FrameForm; readonly timestamp: number },
): AsyncGenerator<Uint8Array> {
  const { pageSize, commit } = database
  const wal = { walOffset: 0, walSize: 0, walSalt1: 0, walSalt2: 0 }
  const txids = { minTXID: 1n, maxTXID: 1n, preApplyChecksum: 0n, nodeID: 0n }
  const encoder = new Encoder({ flags: 0, pageSize, commit, timestamp, ...txids, ...wal }, { form })
  for await (const { pgno, data } of database.pages()) {
    encoder.encodePage(pgno, data)
    if (encoder.pendingBytes >= CHUNK_BYTES) yield encoder.drain()
  }
  encoder.finish()
  yield encoder.drain()
}
