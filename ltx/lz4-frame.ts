import { ByteQueue } from './byte-queue.ts'
import { decompressLargeBlock, MAX_LZ4_BLOCK } from './codec/large-block-codec.ts'
import { LtxError, type LtxErrorCode } from './errors.ts'
import { Xxh32 } from './xxh32.ts'

const MAGIC = 0x184d2204
/** Bit 31 of a block's size: the block is stored as it is. */
const STORED = 0x8000_0000

interface Descriptor {
  /** Bytes that a block decompresses to at most. */
  readonly blockSize: number
  readonly blockChecksums: boolean
  readonly contentChecksum: boolean
  readonly contentSize: number | undefined
}

/**
 * Decompress one LZ4 frame of any length, as Litestream v0.3 compressed snapshots and WAL segments (facts 6.7).
 * Holds one block at a time, at most 4 MiB, and what it decompresses to.
 *
 * @returns chunks, each of them the consumer's. What came before an error is not proved: the content checksum is last
 * @throws LtxError LTX_TRUNCATED, LTX_TRAILING_BYTES, LTX_LZ4_*; blocks that refer to the ones before, dictionaries and
 *   several frames in a row are refused: nobody wrote them
 */
export async function* decodeLz4Frame(
  source: AsyncIterable<Uint8Array>,
  options: { readonly key?: string } = {},
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const input = new FrameInput(source)
  try {
    const descriptor = await readDescriptor(input)
    const content = new Xxh32()
    let size = 0
    for (let block = await readBlock(input, descriptor); block; block = await readBlock(input, descriptor)) {
      content.update(block)
      size += block.length
      yield block
    }
    if (descriptor.contentChecksum && (await input.u32()) !== content.value) {
      fail('LTX_LZ4_CHECKSUM', 'its content does not have the checksum at its end')
    }
    if (descriptor.contentSize !== undefined && descriptor.contentSize !== size) {
      fail('LTX_LZ4_BLOCK', `it holds ${size} bytes, its front says ${descriptor.contentSize}`)
    }
    if (await input.more()) fail('LTX_TRAILING_BYTES', 'bytes follow its end')
  } catch (error) {
    throw error instanceof LtxError ? error.locatedAt({ offset: input.offset, ...options }) : error
  } finally {
    await input.close()
  }
}

async function readDescriptor(input: FrameInput): Promise<Descriptor> {
  if ((await input.u32()) !== MAGIC) fail('LTX_LZ4_DESCRIPTOR', 'it does not begin with the magic of LZ4 frames')
  const [flags, sizes] = (await input.bytes(2)) as unknown as [number, number]
  if (flags >>> 6 !== 1) fail('LTX_LZ4_DESCRIPTOR', `version ${flags >>> 6}`)
  if ((flags & 0x20) === 0) fail('LTX_LZ4_DESCRIPTOR', 'its blocks are not independent')
  if ((flags & 0x03) !== 0) fail('LTX_LZ4_DESCRIPTOR', 'it needs a dictionary')
  const sizeCode = sizes >>> 4
  if (sizeCode < 4 || sizeCode > 7) fail('LTX_LZ4_DESCRIPTOR', `unknown block size ${sizeCode}`)
  const covered = new Xxh32()
  covered.update(Uint8Array.of(flags, sizes))
  let contentSize: number | undefined
  if ((flags & 0x08) !== 0) {
    const bytes = await input.bytes(8)
    covered.update(bytes)
    contentSize = Number(new DataView(bytes.buffer).getBigUint64(0, true))
  }
  if ((await input.bytes(1))[0] !== ((covered.value >>> 8) & 0xff)) {
    fail('LTX_LZ4_CHECKSUM', 'its descriptor does not have the checksum behind it')
  }
  const blockSize = 1 << (8 + 2 * sizeCode)
  return { blockSize, blockChecksums: (flags & 0x10) !== 0, contentChecksum: (flags & 0x04) !== 0, contentSize }
}

/** @returns undefined at the end mark */
async function readBlock(input: FrameInput, descriptor: Descriptor): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const word = await input.u32()
  if (word === 0) return undefined
  const size = word & ~STORED
  if (size > Math.min(descriptor.blockSize, MAX_LZ4_BLOCK)) {
    fail('LTX_LZ4_BLOCK', `a block of ${size} bytes, the most is ${descriptor.blockSize}`)
  }
  const block = await input.bytes(size)
  if (descriptor.blockChecksums) {
    const sum = new Xxh32()
    sum.update(block)
    if ((await input.u32()) !== sum.value) fail('LTX_LZ4_CHECKSUM', 'a block does not have the checksum behind it')
  }
  if (word >= STORED) return block
  return decompressLargeBlock(block, descriptor.blockSize) ?? fail('LTX_LZ4_BLOCK', 'a block is malformed')
}

/** Bytes as the frame needs them, from chunks as they come. */
class FrameInput {
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #queue = new ByteQueue()
  #ended = false

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#chunks = source[Symbol.asyncIterator]()
  }

  /** Bytes read. */
  get offset(): number {
    return this.#queue.offset
  }

  /** Exactly `count` fresh bytes. */
  async bytes(count: number): Promise<Uint8Array<ArrayBuffer>> {
    while (this.#queue.length < count) {
      if (!(await this.#pull())) fail('LTX_TRUNCATED', 'the bytes end before it does')
    }
    this.#queue.peek(count)
    const bytes = new Uint8Array(this.#queue.bytes.subarray(this.#queue.at, this.#queue.at + count))
    this.#queue.skip(count)
    return bytes
  }

  async u32(): Promise<number> {
    return new DataView((await this.bytes(4)).buffer).getUint32(0, true)
  }

  async more(): Promise<boolean> {
    while (this.#queue.length === 0) if (!(await this.#pull())) return false
    return true
  }

  async close(): Promise<void> {
    if (!this.#ended) await this.#chunks.return?.()
  }

  async #pull(): Promise<boolean> {
    this.#queue.detach()
    const { done, value } = await this.#chunks.next()
    if (done) this.#ended = true
    else this.#queue.push(value)
    return !done
  }
}

function fail(code: LtxErrorCode, reason: string): never {
  throw new LtxError(code, `Cannot decode LZ4 frame: ${reason}`)
}
