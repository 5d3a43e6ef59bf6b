import { formatTXID } from '../../ltx/index.ts'
import type { ReplicaClient } from '../../storage/index.ts'
import { formatTimestamp } from './timestamp.ts'

/** One file of a replica, key by key as `ltx -json` prints it. */
export interface FileLine {
  readonly level: number
  /** 16 hex digits. */
  readonly min_txid: string
  readonly max_txid: string
  /** Bytes. */
  readonly size: number
  /** RFC 3339. */
  readonly timestamp: string
}

/** What `ltx` lists: the files of some levels, each level in order. @throws StorageError */
export async function listFiles(client: ReplicaClient, levels: readonly number[]): Promise<FileLine[]> {
  const lines: FileLine[] = []
  for (const level of levels) {
    for await (const file of client.list(level)) {
      lines.push({
        level,
        min_txid: formatTXID(file.minTXID),
        max_txid: formatTXID(file.maxTXID),
        size: file.size,
        timestamp: formatTimestamp(file.createdAt),
      })
    }
  }
  return lines
}
