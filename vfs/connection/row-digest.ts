import type { Row, SqlValue } from './values.ts'

const FNV_PRIME = 0x01000193
const MIX = 0x85ebca6b

/**
 * A running digest of rows, in two times 32 bits: tells whether a query that was run again gave the same rows again.
 * Against chance, not against malice.
 */
export class RowDigest {
  #a = 0x811c9dc5
  #b = 0x9e3779b9

  get value(): string {
    return `${this.#a >>> 0}-${this.#b >>> 0}`
  }

  add(row: Row | readonly SqlValue[]): void {
    for (const value of Array.isArray(row) ? row : Object.values(row)) this.#addValue(value)
    this.#mix(0xffff)
  }

  #addValue(value: SqlValue): void {
    if (value instanceof Uint8Array) {
      this.#mix(value.length)
      const words = new Uint32Array(value.buffer, 0, value.length >>> 2) // blobs of rows are fresh: they begin a buffer
      for (let i = 0; i < words.length; i++) this.#mix(words[i]!)
      for (let i = words.length * 4; i < value.length; i++) this.#mix(value[i]!)
      return
    }
    const text = typeof value === 'string' ? value : `${typeof value} ${value}`
    this.#mix(text.length)
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i))
  }

  #mix(unit: number): void {
    this.#a = Math.imul(this.#a ^ unit, FNV_PRIME)
    this.#b = Math.imul(this.#b ^ (unit + (this.#b >>> 13)), MIX)
  }
}
