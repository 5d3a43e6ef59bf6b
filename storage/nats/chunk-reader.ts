import type { ObjectInfo } from '@nats-io/obj'
import type { NatsBucket } from './connect.ts'
import { chunkSubject, FULL_CHUNKS } from './objects.ts'

/** Chunks asked for together: what hides the round trips, and bounds the memory. */
const READ_AHEAD = 8

/** A part of an object. */
export interface Chunk {
  /** Of its first byte in the object. */
  readonly offset: number
  readonly bytes: Uint8Array
}

interface Message {
  readonly seq: number
  readonly data: Uint8Array
}

/**
 * Reads an object's chunks in order, from the one that holds a wanted byte where that can be known.
 *
 * The messages of an object lie in the stream one after the other, mixed with those of other writers, all before the
 * one that made it an object (`revision`). The question "the first message of this object from number n on" is
 * asked for several n at once: what comes is, without doubles, all that lie there. If the first chunk is exactly
 * `chunks` before the revision, nothing is mixed in, and of an object with full chunks any one can be found.
 */
export class ChunkReader {
  readonly #bucket: NatsBucket
  readonly #info: ObjectInfo
  readonly #ready: Message[] = []
  /** Where the next message is looked for, and its first byte's offset. Undefined: not begun. */
  #seq: number | undefined
  #offset = 0
  #left: number

  constructor(bucket: NatsBucket, info: ObjectInfo) {
    this.#bucket = bucket
    this.#info = info
    this.#left = info.chunks
  }

  /**
   * The next chunk; the first one is at or before the byte `wanted`.
   * @returns undefined if there is no more
   */
  async next(wanted: number): Promise<Chunk | undefined> {
    if (this.#seq === undefined) await this.#begin(wanted)
    else if (this.#ready.length === 0 && this.#left > 0) await this.#fetch()
    const message = this.#ready.shift()
    if (!message) return undefined
    const chunk = { offset: this.#offset, bytes: message.data }
    this.#offset += message.data.length
    return chunk
  }

  async #begin(wanted: number): Promise<void> {
    const { chunks, revision } = this.#info
    const start = revision - chunks
    const skipped = this.#chunkOf(wanted)
    const first = await this.#get(1)
    if (!first) return this.#end()
    if (skipped > 0 && first.seq === start) {
      this.#seq = start + skipped
      this.#offset = skipped * this.#info.options!.max_chunk_size!
      this.#left = chunks - skipped
      return this.#fetch()
    }
    this.#seq = first.seq + 1
    this.#left -= 1
    this.#ready.push(first)
  }

  async #fetch(): Promise<void> {
    const from = this.#seq!
    const numbers = Array.from({ length: Math.min(READ_AHEAD, this.#left) }, (_, index) => from + index)
    const answers = await Promise.all(numbers.map((seq) => this.#get(seq)))
    let last = from - 1
    for (const message of answers) {
      if (!message || message.seq <= last) continue
      last = message.seq
      this.#ready.push(message)
      this.#left -= 1
    }
    if (this.#ready.length === 0) this.#end()
    this.#seq = last + 1
  }

  #end(): void {
    this.#seq ??= 1
    this.#left = 0
  }

  /** Number of the chunk that holds a byte; 0 where that is not known. */
  #chunkOf(offset: number): number {
    const { metadata, options, size, chunks } = this.#info
    const full = options?.max_chunk_size ?? 0
    if (metadata?.[FULL_CHUNKS] === undefined || full <= 0 || Math.ceil(size / full) !== chunks) return 0
    return Math.floor(offset / full)
  }

  async #get(seq: number): Promise<Message | undefined> {
    const { jsm, stream, direct } = this.#bucket
    const query = { seq, next_by_subj: chunkSubject(this.#bucket, this.#info.nuid) }
    // A replica that answers directly may lag behind: what it does not have, the leader is asked for.
    const message =
      (direct && (await jsm.direct.getMessage(stream, query))) || (await jsm.streams.getMessage(stream, query))
    return message ? { seq: message.seq, data: new Uint8Array(message.data) } : undefined
  }
}
