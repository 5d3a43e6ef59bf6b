import { statSync } from 'node:fs'
import type { TXID } from '../ltx/index.ts'
import { errnoCode } from './durable-file.ts'
import { LocalLtx, metaPath } from './local-ltx.ts'

export interface LocalStatus {
  readonly status: 'ok' | 'not initialized' | 'no database' | 'error'
  /** The last TXID made locally. */
  readonly txid: TXID | undefined
  /** Bytes of the `-wal` file; undefined when there is none. */
  readonly walSize: number | undefined
}

/** What can be told of a database's replication from its files alone, without opening them. */
export async function localStatus(databasePath: string, options: { metaPath?: string } = {}): Promise<LocalStatus> {
  try {
    if (fileSize(databasePath) === undefined) return { status: 'no database', txid: undefined, walSize: undefined }
    const walSize = fileSize(`${databasePath}-wal`)
    const txids = await new LocalLtx(options.metaPath ?? metaPath(databasePath)).txids()
    return { status: txids.length > 0 ? 'ok' : 'not initialized', txid: txids.at(-1), walSize }
  } catch {
    return { status: 'error', txid: undefined, walSize: undefined }
  }
}

function fileSize(path: string): number | undefined {
  try {
    return statSync(path).size
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return undefined
    throw error
  }
}
