import { formatTXID } from '../../ltx/index.ts'
import { type LocalStatus, localStatus } from '../../writer/index.ts'
import { formatBytes } from './humanize.ts'

/** What `status` says of one database, key by key as `-json` prints it. */
export interface StatusLine {
  readonly database: string
  readonly status: LocalStatus['status']
  /** 16 hex digits, or `-`. */
  readonly local_txid: string
  /** For people: `32 kB`, or `-`. */
  readonly wal_size: string
}

/** Look at a database's files, and at nothing else. @param options.metaPath if its local state is not beside it */
export async function statusLine(path: string, options: { readonly metaPath?: string } = {}): Promise<StatusLine> {
  const { status, txid, walSize } = await localStatus(path, options)
  return {
    database: path,
    status,
    local_txid: txid === undefined ? '-' : formatTXID(txid),
    wal_size: status === 'no database' ? '-' : formatBytes(walSize ?? 0),
  }
}
