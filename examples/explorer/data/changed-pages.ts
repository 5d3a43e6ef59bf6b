import type { LtxFileInfo, TXID } from '../../../entry/web.ts'
import { decodeHeader, decodePageIndex, HEADER_SIZE, locatePageIndex } from '../../../ltx/index.ts'
import { fileKey } from '../../../replica/index.ts'
import { type ReplicaClient, readAll } from '../../../storage/index.ts'
import { filesBetween } from './moments.ts'

/** A file up to this size is read whole: that is one request. */
const WHOLE_BYTES = 256 * 1024
/** What is read from the end of a larger file at first. */
const TAIL_BYTES = 64 * 1024
/** What is read at most to tell what has changed: more files, or a larger index, are not worth it. */
const [MAX_FILES, MAX_INDEX_BYTES] = [200, 4 * 1024 * 1024]

/** Tells which pages were written between two moments, from the page indexes of the files between them. */
export class ChangedPages {
  readonly #client: ReplicaClient
  /** By file, which never changes. */
  readonly #known = new Map<string, Promise<readonly number[] | undefined>>()

  constructor(client: ReplicaClient) {
    this.#client = client
  }

  /** @returns undefined where that cannot be told, or not cheaply */
  async between(files: readonly LtxFileInfo[], from: TXID, to: TXID): Promise<ReadonlySet<number> | undefined> {
    const chain = filesBetween(files, from, to)
    if (chain === undefined || chain.length > MAX_FILES) return undefined
    const lists = await Promise.all(chain.map((file) => this.#pagesOf(file)))
    return lists.some((list) => list === undefined) ? undefined : new Set(lists.flatMap((list) => list ?? []))
  }

  #pagesOf(file: LtxFileInfo): Promise<readonly number[] | undefined> {
    const key = fileKey(file)
    const known = this.#known.get(key)
    if (known) return known
    const reading = this.#read(file)
    this.#known.set(key, reading)
    reading.catch(() => this.#known.delete(key))
    return reading
  }

  async #read(file: LtxFileInfo): Promise<readonly number[] | undefined> {
    const small = file.size <= WHOLE_BYTES
    const [head, tail] = await Promise.all([
      this.#bytes(file, 0, small ? file.size : HEADER_SIZE),
      small ? undefined : this.#bytes(file, file.size - TAIL_BYTES, TAIL_BYTES),
    ])
    const end = small ? head : tail
    if (head === undefined || end === undefined) return undefined
    const { pageSize, commit } = decodeHeader(head.subarray(0, HEADER_SIZE))
    const { offset, size } = locatePageIndex(end, file.size)
    if (size > MAX_INDEX_BYTES) return undefined
    const at = offset - (file.size - end.length)
    const bytes = at >= 0 ? end.subarray(at, at + size) : await this.#bytes(file, offset, size)
    if (bytes === undefined) return undefined
    return Array.from(decodePageIndex(bytes, { commit, pageSize, indexOffset: offset }), ({ pgno }) => pgno)
  }

  /** @returns undefined for a file that is gone */
  async #bytes(file: LtxFileInfo, offset: number, size: number): Promise<Uint8Array | undefined> {
    const stream = await this.#client.open(file, { offset, size })
    return stream && (await readAll(stream))
  }
}
