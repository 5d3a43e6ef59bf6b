import type { TXID } from '../ltx/index.ts'
import type { SidecarName } from './catalog.ts'
import type { StoreProbe } from './probe.ts'
import type { V3Store } from './v3.ts'

/** Names one LTX object: immutable once written, unique within a replica. */
export interface LtxFileName {
  /** 0 for files as the primary wrote them, 1..8 for compacted ones, 9 for snapshots. */
  readonly level: number
  readonly minTXID: TXID
  readonly maxTXID: TXID
}

/** One LTX object as a listing or a write reports it. */
export interface LtxFileInfo extends LtxFileName {
  /** Whole object, in bytes. */
  readonly size: number
  /** Milliseconds since the Unix epoch. A fast listing may give the store's own modification time (facts 2.2). */
  readonly createdAt: number
}

/** A stream of chunks. A chunk belongs to the consumer until it asks for the next one. */
export type ByteStream = AsyncIterable<Uint8Array>

export interface ListOptions {
  /** Only files with `minTXID >= seek`. Default: all. */
  readonly seek?: TXID
  /** Report each file's own LTX timestamp even where that costs a request per file (needed by time restores). */
  readonly useMetadata?: boolean
  readonly signal?: AbortSignal
}

export interface OpenOptions {
  /** First byte wanted. Default 0. */
  readonly offset?: number
  /** Bytes wanted; absent or 0 means up to the end. A range past the end gives what there is, perhaps nothing. */
  readonly size?: number
  readonly signal?: AbortSignal
}

export interface WriteOptions {
  /**
   * Fail with STORAGE_PRECONDITION_FAILED instead of replacing an existing object.
   * Only sound where `client.createsExclusively` is true; elsewhere it is ignored.
   */
  readonly exclusive?: boolean
  readonly signal?: AbortSignal
}

/** What is needed to hold a lease object beside the LTX files (facts 8.1). Versions are opaque. */
export interface LeaseStore {
  /** The lease object, or undefined when there is none. */
  get(signal?: AbortSignal): Promise<{ body: Uint8Array; version: string } | undefined>
  /**
   * Write the lease object only if it still has `version` (or, for undefined, only if there is none).
   * @returns the new version
   * @throws StorageError STORAGE_PRECONDITION_FAILED when somebody else was faster
   */
  put(body: Uint8Array, version: string | undefined, signal?: AbortSignal): Promise<string>
  /** Delete it only if it still has `version`. Absent already: fine. */
  delete(version: string, signal?: AbortSignal): Promise<void>
}

/** A subscription to a store's announcements. */
export interface Watch {
  /** False while announcements may be missed: then ask. */
  readonly live: boolean
  close(): void
}

/**
 * One replica (one database's prefix) in one object store.
 *
 * Absence is a value (`undefined`, an empty list); failure is a thrown StorageError.
 * No method retries more than its SDK does by itself: retrying is `withRetry`'s job.
 */
export interface ReplicaClient {
  /** `file`, `s3`, `memory`, ... as Litestream spells it. */
  readonly type: string
  /** For people: the replica's URL without any secret. */
  readonly url: string
  /** True where nothing can be written: all that writes is refused. Default false. */
  readonly readsOnly?: boolean
  /** True when `write(..., { exclusive: true })` is atomic on this store. */
  readonly createsExclusively: boolean
  /** Present where the store offers conditional writes for a lease. */
  readonly lease?: LeaseStore
  /** Present where a backup of Litestream v0.3 can lie beside the LTX files (facts 6.6). */
  readonly v3?: V3Store
  /** Present where a check of a set-up can try the store out. */
  readonly probe?: StoreProbe
  /** Files of one level in ascending name order; an absent prefix is an empty list. Foreign names are ignored. */
  list(level: number, options?: ListOptions): AsyncIterable<LtxFileInfo>
  /**
   * All files of all levels at one moment, each with its own LTX timestamp: present where that is one small request
   * whose answer is often "unchanged" (a catalog). Who has it need not list, nor ask for files that may not be there.
   */
  listAll?(signal?: AbortSignal): Promise<readonly LtxFileInfo[]>
  /**
   * Be told when there is something new, without asking: present where the store announces it.
   * @param onChange called at each announcement, and when announcements were lost and begin again
   * @returns what ends it, and whether announcements are coming in now
   */
  watch?(onChange: () => void): Watch
  /**
   * Open one file for reading, whole or a byte range; with retries (`withRetry`, `RetryingReader`) a file as it was listed
   * is never read past its listed size, whatever the store sends. The stream holds a socket or a handle until it is read to its
   * end or left (`return`).
   * @returns undefined when there is no such file
   * @throws StorageError STORAGE_SHORT_READ when the store delivers fewer bytes than it promised
   */
  open(file: LtxFileName, options?: OpenOptions): Promise<ByteStream | undefined>
  /**
   * Store one whole LTX file; visible only when complete, and then durable. The LTX header at its front
   * supplies the timestamp that is kept as metadata.
   * @param body all bytes at once, or a stream (consumed once)
   */
  write(file: LtxFileName, body: Uint8Array | ByteStream, options?: WriteOptions): Promise<LtxFileInfo>
  /** Delete files; absent ones are fine. One failure fails the call, after all were tried. */
  delete(files: readonly LtxFileName[], signal?: AbortSignal): Promise<void>
  /** Delete everything below the replica's prefix, v0.3 data included. */
  deleteAll(signal?: AbortSignal): Promise<void>
  /**
   * The page map (`catalog.ts`) that the catalog named when `listAll` last read it: present where there may be one. It may
   * be of another moment than that catalog, or damaged.
   * @returns undefined when there is none, then nothing is sent
   */
  readPageMap?(signal?: AbortSignal): Promise<Uint8Array | undefined>
  /**
   * Replace the catalog or the page map (`catalog.ts`) as a whole: a reader sees the old one or the new one. Absent: they
   * cannot be kept here.
   */
  writeSidecar?(name: SidecarName, body: Uint8Array, signal?: AbortSignal): Promise<void>
  /** Release sockets and handles. The client is unusable afterwards. */
  close(): Promise<void>
}
