import type { LtxFileInfo } from '../storage/index.ts'

/** What a daemon tells as it happens, by path of the database. */
export interface DaemonEvents {
  /** An L0 file is durable in the replica. */
  durable?(path: string, info: LtxFileInfo): void
  /** Replication of one database had to stop by itself; the others go on. */
  failed?(path: string, error: Error): void
}
