import type { TXID } from '../ltx/index.ts'
import { byName, type PageMapEntry } from './catalog.ts'
import { type FileMap, nameKey, sameFiles } from './dated-listing.ts'
import type { LtxFileInfo, LtxFileName } from './types.ts'

/** Makes page maps, as replica/'s does. */
export interface PageMapSource {
  /** @returns undefined when the files have changed meanwhile */
  make(
    files: readonly LtxFileInfo[],
  ): Promise<{ readonly txid: TXID; readonly body: Uint8Array; readonly files: readonly LtxFileName[] } | undefined>
  /** What is being made fails. */
  close(): void
}

interface Made {
  /** All files there were. */
  readonly of: FileMap
  /** Those that the map leads to. */
  readonly names: readonly string[]
  readonly entry: PageMapEntry
  readonly body: Uint8Array
}

export const DEFAULT_PAGE_MAP_INTERVAL_MS = 30_000

/** The newest page map of a replica, and when the next one is made: once the files have changed, and not too often. */
export class PageMapKeeper {
  readonly #source: PageMapSource
  readonly #intervalMs: number
  #made: Made | undefined
  #notBefore = Number.NEGATIVE_INFINITY

  constructor(source: PageMapSource, intervalMs = DEFAULT_PAGE_MAP_INTERVAL_MS) {
    this.#source = source
    this.#intervalMs = intervalMs
  }

  /** What the catalog of these files may name: undefined when the map leads to one that is not there any more. */
  of(files: FileMap): { readonly entry: PageMapEntry; readonly body: Uint8Array } | undefined {
    return this.#made?.names.every((name) => files.has(name)) ? this.#made : undefined
  }

  /**
   * When a map of these files is to be made.
   * @param now milliseconds of any clock that ascends
   * @returns milliseconds from now; undefined when the one there is will do
   */
  dueIn(files: FileMap, now: number): number | undefined {
    if (files.size === 0 || (this.#made && sameFiles(this.#made.of, files))) return undefined
    return Math.max(0, this.#notBefore - now)
  }

  /** @returns undefined when the files have changed meanwhile @throws what making it throws */
  async make(files: FileMap, now: number): Promise<Uint8Array | undefined> {
    this.#notBefore = now + this.#intervalMs
    const made = await this.#source.make([...files.values()].sort(byName))
    if (!made) return undefined
    const { body, txid } = made
    this.#made = { of: files, names: made.files.map(nameKey), entry: { txid, size: body.length }, body }
    return body
  }

  /** There are no files any more. */
  forget(): void {
    this.#made = undefined
  }

  close(): void {
    this.#source.close()
  }
}
