import { MAX_VARINT_SIZE, writeVarint } from '../../ltx/index.ts'
import type { SourceFile } from './source-file.ts'

/** Collects the varints of saved layers, and the files that they are of. */
export class SavedRowWriter {
  readonly files: SourceFile[] = []
  readonly #numbers = new Map<SourceFile, number>()
  #bytes = new Uint8Array(4096)
  #length = 0

  put(value: number): void {
    if (this.#length + MAX_VARINT_SIZE > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#bytes.length)
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    this.#length = writeVarint(this.#bytes, this.#length, value)
  }

  /** @returns the file's number */
  file(file: SourceFile): number {
    const known = this.#numbers.get(file)
    if (known !== undefined) return known
    this.#numbers.set(file, this.files.length)
    return this.files.push(file) - 1
  }

  /** All that was put; a view. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }
}
