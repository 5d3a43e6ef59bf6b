import type { ListOptions, LtxFileInfo, LtxFileName } from '../types.ts'

/** How the files of a replica are found: by its catalog, or by a store's listing. */
export interface FileFinder {
  /**
   * Where a file is.
   * @returns its key below the connection's root, and its size where that is known for certain
   */
  find(file: LtxFileName, signal: AbortSignal | undefined): Promise<FoundFile>
  /** As ReplicaClient's. */
  list(level: number, options: ListOptions): AsyncIterable<LtxFileInfo>
  /** As ReplicaClient's. */
  listAll?(signal: AbortSignal | undefined): Promise<readonly LtxFileInfo[]>
  /** As ReplicaClient's. */
  readPageMap?(signal: AbortSignal | undefined): Promise<Uint8Array | undefined>
}

export interface FoundFile {
  readonly key: string
  readonly fileSize?: number | undefined
}
