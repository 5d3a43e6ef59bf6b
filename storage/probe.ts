import type { ByteStream } from './types.ts'

/** A rule that deletes objects of the bucket by their age. */
export interface ExpiryRule {
  /** As the store names it. */
  readonly id: string
  /** Keys it is for begin with this. */
  readonly prefix: string
  /** Days from an object's making to its end; 0 where the rule names a date. */
  readonly days: number
}

/**
 * What a check of a set-up asks of a store beyond a replica's files. Objects are small ones of its own, below
 * `<path>/litetap/`; a name is one file name.
 */
export interface StoreProbe {
  /** @throws StorageError STORAGE_PRECONDITION_FAILED if `exclusive` and it exists */
  put(
    name: string,
    body: Uint8Array,
    options: { readonly exclusive: boolean; readonly signal?: AbortSignal },
  ): Promise<void>
  /** @param range bytes from `offset`, `size` of them; default: all. @returns undefined when there is none */
  get(
    name: string,
    options?: { readonly offset?: number; readonly size?: number; readonly signal?: AbortSignal },
  ): Promise<ByteStream | undefined>
  /** One that is not there is fine. */
  delete(name: string, signal?: AbortSignal): Promise<void>
  /** The store's own clock, ms since the Unix epoch, in whole seconds; absent where it is this machine's. */
  clock?(signal?: AbortSignal): Promise<number | undefined>
  /** Rules that delete objects below the replica's path, or any part of it; absent where there can be none. */
  expiryRules?(signal?: AbortSignal): Promise<readonly ExpiryRule[]>
  /** Whether deleted objects are kept as old versions; absent where there are none. */
  keepsVersions?(signal?: AbortSignal): Promise<boolean>
}

/** Where the probe's objects are, without the slash at its end. */
export const PROBE_FOLDER = 'litetap'
