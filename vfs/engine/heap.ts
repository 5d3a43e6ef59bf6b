const encoder = new TextEncoder()
// SQLite's text may begin with a BOM that is content, and need not be valid UTF-8.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Texts up to this many bytes are decoded by hand while they are ASCII (measured: a TextDecoder call costs ~100 ns). */
const SHORT_TEXT_BYTES = 32

/**
 * SQLite's memory. It grows, also while a read is suspended, and growing detaches every view: so views are never kept
 * by anybody, but taken from here each time.
 */
export class Heap {
  readonly #memory: WebAssembly.Memory
  #bytes: Uint8Array<ArrayBuffer>
  #view: DataView

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory
    this.#bytes = new Uint8Array(memory.buffer as ArrayBuffer)
    this.#view = new DataView(memory.buffer)
  }

  /** A view that is valid until wasm code runs or an `await` returns. */
  get bytes(): Uint8Array<ArrayBuffer> {
    if (this.#bytes.buffer !== this.#memory.buffer) this.#retake()
    return this.#bytes
  }

  /** A view that is valid until wasm code runs or an `await` returns. */
  get view(): DataView {
    if (this.#view.buffer !== this.#memory.buffer) this.#retake()
    return this.#view
  }

  #retake(): void {
    this.#bytes = new Uint8Array(this.#memory.buffer as ArrayBuffer)
    this.#view = new DataView(this.#memory.buffer)
  }

  /** The u32 at an address; pointers are that. */
  u32(address: number): number {
    return this.view.getUint32(address, true)
  }

  /** UTF-8 of known length; NULs are content. */
  text(address: number, length: number): string {
    const bytes = this.bytes
    if (length <= SHORT_TEXT_BYTES) {
      let text = ''
      let at = address
      const end = address + length
      for (; at < end; at++) {
        const byte = bytes[at]!
        if (byte > 127) break
        text += String.fromCharCode(byte)
      }
      if (at === end) return text
    }
    return decoder.decode(bytes.subarray(address, address + length))
  }

  /** A NUL-terminated string; '' for a null pointer. */
  cString(address: number): string {
    if (address === 0) return ''
    return this.text(address, this.bytes.indexOf(0, address) - address)
  }

  /**
   * Write text as UTF-8. The room at `address` must be `maxTextBytes(text)`.
   * @returns bytes written
   */
  writeText(address: number, text: string): number {
    return encoder.encodeInto(text, this.bytes.subarray(address, address + maxTextBytes(text))).written
  }
}

/** The most bytes of UTF-8 that a text can have. */
export function maxTextBytes(text: string): number {
  return text.length * 3
}
