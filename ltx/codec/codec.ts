import { codecWasm } from './codec-wasm.ts'

/** What codec.as.ts exports. Addresses are byte offsets into `memory`; 64-bit values are BigInts of either sign. */
interface CodecExports {
  readonly memory: WebAssembly.Memory
  init(): void
  pageAddress(): number
  frameAddress(): number
  crc64(crc: bigint, address: number, length: number): bigint
  lz4Compress(source: number, length: number, target: number): number
  lz4Decompress(source: number, length: number, target: number, capacity: number): number
  xxh32(address: number, length: number): number
  blockAddress(): number
  blockBytes(): number
  walChecksum(s0: number, s1: number, address: number, length: number, bigEndian: boolean): bigint
  walFrames(
    address: number,
    count: number,
    pageSize: number,
    salt1: number,
    salt2: number,
    s0: number,
    s1: number,
    bigEndian: boolean,
  ): number
}

/**
 * The running codec. Its regions are shared by everybody: nothing in them
 * survives a return to the caller's caller, so copy in, work, and copy out without an `await` between.
 */
export interface Codec extends CodecExports {
  /** The whole memory. It never grows, so views of it stay valid. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** 65536 bytes, with 64 free bytes in front for what is checksummed together with a page. */
  readonly page: number
  /** Room for a whole page frame of the largest page. */
  readonly frame: number
  /** Room for WAL frames: a view of the memory. */
  readonly block: Uint8Array<ArrayBuffer>
}

/** Bytes that fit the page region: the largest page, and so the largest LZ4 input. */
export const MAX_CODEC_INPUT = 65536

const WASM_PAGE_SIZE = 65536

let running: Codec | undefined
let compiled: WebAssembly.Module | undefined

/**
 * Supply the codec as a module that was compiled elsewhere, for runtimes that refuse to compile from bytes
 * (Workers). Call it before anything else of ltx/. `codecBytes()` are the bytes to compile it from.
 */
export function setCodecModule(module: WebAssembly.Module): void {
  compiled = module
  running = undefined
}

/** The codec's wasm binary: fresh bytes, for a build step that wants it as a file of its own. */
export function codecBytes(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(codecWasm), (c) => c.charCodeAt(0))
}

/** The codec, started at its first use. Compiling is synchronous: the binary is below the 4 KiB browsers allow. */
export function codec(): Codec {
  running ??= newCodec()
  return running
}

/**
 * An instance of its own.
 * @param extraBytes room behind the regions of `codec.as.ts`; default none
 */
export function newCodec(extraBytes = 0): Codec {
  const module = compiled ?? new WebAssembly.Module(codecBytes())
  const exports = new WebAssembly.Instance(module).exports as unknown as CodecExports
  exports.init()
  if (extraBytes > 0) exports.memory.grow(Math.ceil(extraBytes / WASM_PAGE_SIZE))
  const memory = exports.memory.buffer as ArrayBuffer
  return {
    ...exports,
    bytes: new Uint8Array(memory),
    block: new Uint8Array(memory, exports.blockAddress(), exports.blockBytes()),
    page: exports.pageAddress(),
    frame: exports.frameAddress(),
  }
}
