import { VarintReader } from '../../ltx/index.ts'
import type { SourceFile } from './source-file.ts'

/** Gives varints back in the order in which they were put. */
export class SavedRowReader {
  readonly #files: readonly SourceFile[]
  readonly #varints: VarintReader
  readonly #length: number

  constructor(bytes: Uint8Array, files: readonly SourceFile[]) {
    this.#varints = new VarintReader(bytes, 0, bytes.length)
    this.#length = bytes.length
    this.#files = files
  }

  /** Bytes that were read. */
  get position(): number {
    return this.#varints.position
  }

  /** Bytes that are still to be read. */
  get left(): number {
    return this.#length - this.#varints.position
  }

  /** @throws RangeError at the end */
  take(): number {
    const value = this.#varints.next()
    if (value < 0) throw new RangeError('The saved rows end too early')
    return value
  }

  /** @throws RangeError */
  file(number: number): SourceFile {
    const file = this.#files[number]
    if (file === undefined) throw new RangeError(`There is no saved file ${number}`)
    return file
  }
}
