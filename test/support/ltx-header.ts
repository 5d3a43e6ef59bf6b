import { HEADER_FLAG_NO_CHECKSUM, type Header } from '../../ltx/index.ts'

type Told = 'pageSize' | 'commit' | 'minTXID' | 'maxTXID' | 'timestamp'

/** The header of a file without checksums of pages, in the flavour of a WAL database. */
export function ltxHeader(told: Pick<Header, Told>): Header {
  return {
    ...told,
    flags: HEADER_FLAG_NO_CHECKSUM,
    preApplyChecksum: 0n,
    walOffset: 32,
    walSize: 0,
    walSalt1: 0,
    walSalt2: 0,
    nodeID: 0n,
  }
}
