import { describe, expect, test } from 'vitest'
import { isLtxError } from '../../ltx/index.ts'
import type { Decoded } from './support.ts'
import { decodeFile, encodeFile, FORMS, header, pages } from './support.ts'

describe.each(FORMS)('a small file in %s form', (form) => {
  const file = encodeFile(header(), pages([1, 2, 3]), { form })
  const intact = decodeFile(file)

  test('cut anywhere: LTX_TRUNCATED', () => {
    for (let length = 0; length < file.length; length++) {
      for (const chunkSize of [length || 1, 13]) {
        const error = failure(() => decodeFile(file.subarray(0, length), chunkSize))
        expect(isLtxError(error, 'LTX_TRUNCATED')).toBe(true)
      }
    }
  })

  test('one bit flipped anywhere: refused, or the very same pages', () => {
    const harmless: number[] = []
    for (let bit = 0; bit < file.length * 8; bit++) {
      const damaged = file.slice()
      damaged[bit >> 3]! ^= 1 << (bit & 7)
      let decoded: Decoded
      try {
        decoded = decodeFile(damaged)
      } catch (error) {
        expect(isLtxError(error)).toBe(true)
        continue
      }
      expect(decoded.pages).toEqual(intact.pages)
      expect(decoded.header).toEqual(intact.header)
      harmless.push(bit)
    }
    // The file checksum covers pages, not payloads: only where another LZ4 block spells the same page may a flip
    // pass. Reserved header bytes are ignored in their meaning, but the checksum covers them.
    for (const bit of harmless) {
      const entry = [...intact.index].find(({ offset, size }) => bit >> 3 >= offset && bit >> 3 < offset + size)
      expect((bit >> 3) - entry!.offset).toBeGreaterThanOrEqual(form === 'block' ? 10 : 17)
    }
    expect(harmless.length).toBe(alternativeSpellings())
  })

  /** Flips of match distances that find the same bytes, counted without the decoder under test. */
  function alternativeSpellings(): number {
    let count = 0
    for (const [i, { offset, size }] of [...intact.index].entries()) {
      const start = offset + (form === 'block' ? 10 : 17)
      const block = file.slice(start, offset + size - (form === 'block' ? 0 : 8))
      for (let bit = 0; bit < block.length * 8; bit++) {
        const other = block.slice()
        other[bit >> 3]! ^= 1 << (bit & 7)
        const spelled = inflate(other, 512)
        if (spelled && Buffer.compare(spelled, intact.pages[i]!.data) === 0) count++
      }
    }
    return count
  }
})

/** LZ4 block by its specification, as plainly as can be. */
function inflate(block: Uint8Array, size: number): Uint8Array | undefined {
  const out: number[] = []
  let at = 0
  const length = (nibble: number) => {
    let sum = nibble
    if (nibble === 15) {
      for (;;) {
        const byte = block[at++] ?? Number.NaN
        sum += byte
        if (byte !== 255) break
      }
    }
    return sum
  }
  while (at < block.length) {
    const token = block[at++]!
    const run = length(token >> 4)
    if (!(at + run <= block.length) || out.length + run > size) return undefined
    out.push(...block.subarray(at, at + run))
    at += run
    if (at === block.length) return out.length === size ? Uint8Array.from(out) : undefined
    const distance = block[at]! | (block[at + 1]! << 8)
    if (at + 2 > block.length || distance === 0 || distance > out.length) return undefined
    at += 2
    const match = 4 + length(token & 15)
    if (!(match <= size - out.length)) return undefined
    for (let i = 0; i < match; i++) out.push(out[out.length - distance]!)
  }
  return undefined
}

function failure(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  return undefined
}
