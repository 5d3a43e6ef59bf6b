// The whole surface of ltx/.
export {
  type ChainLink,
  type CommitName,
  chainLink,
  commitOf,
  goesOnFrom,
  newCommitName,
  predecessorOf,
  UNKNOWN_COMMIT,
} from './chain-link.ts'
export { CHECKSUM_FLAG, Crc64, checksumPage, crc64, DatabaseChecksum } from './checksum.ts'
export { codecBytes, setCodecModule } from './codec/codec.ts'
export type { CompactOptions } from './compactor.ts'
export { compact } from './compactor.ts'
export { decodeDatabase } from './database-image.ts'
export { Decoder } from './decoder.ts'
export { Encoder } from './encoder.ts'
export type { LtxErrorCode, LtxErrorContext } from './errors.ts'
export { isLtxError, LtxError } from './errors.ts'
export { formatFilename, parseFilename } from './filename.ts'
export type { Header } from './header.ts'
export {
  decodeHeader,
  encodeHeader,
  HEADER_FLAG_NO_CHECKSUM,
  HEADER_SIZE,
  hasChecksums,
  isSnapshot,
  validateHeader,
} from './header.ts'
export type { IndexLandmark } from './index-estimate.ts'
export { estimateIndexPosition } from './index-estimate.ts'
export type { IndexWindow, IndexWindowEntry, IndexWindowLimits } from './index-window.ts'
export { decodeIndexWindow } from './index-window.ts'
export { compressBlock, decompressBlock } from './lz4-block.ts'
export { decodeLz4Frame } from './lz4-frame.ts'
export type { FrameForm, Page } from './page-frame.ts'
export { decodePageFrame, encodePageFrame, PAGE_HEADER_SIZE } from './page-frame.ts'
export type { PageIndexEntry, PageIndexLimits } from './page-index.ts'
export { decodePageIndex, encodePageIndex, locatePageIndex, PageIndex } from './page-index.ts'
export type { MergeOptions } from './page-merge.ts'
export { PageMerge } from './page-merge.ts'
export { isValidPageSize, lockPgno } from './page-size.ts'
export type { Pgno } from './pgno.ts'
export { decodePages, LtxReader } from './reader.ts'
export { SNAPSHOT_LEVEL } from './snapshot-level.ts'
export type { Trailer } from './trailer.ts'
export { decodeTrailer, encodeTrailer, TRAILER_SIZE, validateTrailer } from './trailer.ts'
export type { TXID } from './txid.ts'
export { formatTXID, MAX_TXID, parseTXID } from './txid.ts'
export { MAX_VARINT_SIZE, VarintReader, writeVarint } from './varint.ts'
export type { WalChain } from './wal-checksum.ts'
export { countValidWalFrames, walBlock, walChecksum } from './wal-checksum.ts'
