import { type CommitName, commitOf, type Header, type TXID } from '../ltx/index.ts'
import type { LocalLtx } from './local-ltx.ts'
import { sameSalts, WAL_FRAME_HEADER_SIZE, WAL_HEADER_SIZE, type WalHeader, walFrameSize } from './wal.ts'
import type { WalFile } from './wal-file.ts'
import { type WalPosition, walStart } from './wal-scan.ts'

/** What the newest L0 file says about where replication stands. */
export interface LtxPosition {
  readonly txid: TXID
  /** Bytes; 0 before the first file. */
  readonly pageSize: number
  /** Database size in pages. */
  readonly commit: number
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number
  /** Of its last commit. */
  readonly name: CommitName
  /** Where its WAL range ended, if the WAL still proves it; else the next file must be a full image. */
  readonly wal: WalPosition | undefined
}

/**
 * Find, after a start, the place in the WAL where the newest local L0 file ended.
 *
 * The whole file is decoded, which proves its checksum. Its place is believed when the WAL frame that ended it is
 * still there with the same salts and the very page that the file holds.
 *
 * @throws WriterError WRITER_LTX_MISSING, WRITER_LTX_CORRUPT
 * @see facts 3.6
 */
export async function recoverPosition(
  local: LocalLtx,
  txid: TXID,
  wal: { readonly file: WalFile; readonly header: WalHeader },
): Promise<LtxPosition> {
  const reader = local.reader(txid)
  try {
    const header = await reader.header()
    const candidate = lastFrame(header, wal)
    let proved = candidate !== undefined && candidate.pgno === undefined
    for await (const page of reader.pages()) {
      if (candidate?.pgno === page.pgno && equalBytes(page.data, candidate.data)) proved = true
    }
    await reader.close()
    const { commit, timestamp } = header
    const name = commitOf(header.nodeID)
    return { txid, pageSize: header.pageSize, commit, timestamp, name, wal: proved ? candidate?.position : undefined }
  } catch (error) {
    throw local.corrupt(txid, error)
  } finally {
    await reader.cancel()
  }
}

interface LastFrame {
  readonly position: WalPosition
  /** Undefined when the file covered no frames, and there is no page to compare. */
  readonly pgno: number | undefined
  readonly data: Uint8Array
}

/** The WAL frame that should have ended the file, or undefined when the WAL does not have it any more. */
function lastFrame(header: Header, wal: { readonly file: WalFile; readonly header: WalHeader }): LastFrame | undefined {
  const offset = header.walOffset + header.walSize
  const salts = { salt1: header.walSalt1, salt2: header.walSalt2 }
  const { pageSize } = wal.header
  if (header.pageSize !== pageSize) return undefined
  if (offset === WAL_HEADER_SIZE) {
    if (!sameSalts(salts, wal.header)) return undefined
    return { position: walStart(wal.header), pgno: undefined, data: new Uint8Array(0) }
  }
  const start = offset - walFrameSize(pageSize)
  if (start < WAL_HEADER_SIZE || (start - WAL_HEADER_SIZE) % walFrameSize(pageSize) !== 0) return undefined
  const frame = wal.file.frameHeader(start)
  if (!frame || !sameSalts(frame, salts)) return undefined
  const data = new Uint8Array(pageSize)
  if (wal.file.read(data, start + WAL_FRAME_HEADER_SIZE) < pageSize) return undefined
  return { position: { ...salts, offset, checksum: frame.checksum }, pgno: frame.pgno, data }
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
