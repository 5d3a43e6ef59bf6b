import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CHECKSUM_FLAG } from '../../ltx/index.ts'
import { decodeFile, encodeFile, FORMS, header, PAGE_SIZES } from './support.ts'

const SEED = 20261123

test(`any file, in any form and size, read in any chunks (seed ${SEED})`, () => {
  const spec = fc.record({
    form: fc.constantFrom(...FORMS),
    pageSize: fc.constantFrom(...PAGE_SIZES),
    snapshot: fc.boolean(),
    checksums: fc.boolean(),
    pgnos: fc.uniqueArray(fc.integer({ min: 1, max: 5000 }), { maxLength: 12 }),
    growth: fc.nat(100),
    noise: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 12, maxLength: 12 }),
    chunk: fc.integer({ min: 1, max: 100_000 }),
    seed: fc.nat(),
  })
  fc.assert(
    fc.property(spec, (s) => {
      const pgnos = s.snapshot ? s.pgnos.map((_, i) => i + 1) : s.pgnos.toSorted((a, b) => a - b)
      const commit = s.snapshot ? Math.max(1, pgnos.length) : (pgnos.at(-1) ?? 1) + s.growth
      if (s.snapshot && pgnos.length === 0) pgnos.push(1)
      const input = pgnos.map((pgno, i) => ({ pgno, data: content(s.pageSize, s.noise[i]!, s.seed + i) }))
      const h = header({
        flags: s.checksums ? 0 : 2,
        pageSize: s.pageSize,
        commit,
        minTXID: s.snapshot ? 1n : 9n,
        maxTXID: 12n,
        preApplyChecksum: s.checksums && !s.snapshot ? CHECKSUM_FLAG | 3n : 0n,
      })
      const post = s.checksums && !s.snapshot ? CHECKSUM_FLAG | 4n : undefined
      const decoded = decodeFile(encodeFile(h, input, { form: s.form, post }), s.chunk)
      expect(decoded.header).toEqual(h)
      expect(decoded.pages.map((p) => p.pgno)).toEqual(pgnos)
      for (const [i, p] of decoded.pages.entries()) expect(Buffer.compare(p.data, input[i]!.data)).toBe(0)
    }),
    { seed: SEED, numRuns: 300 },
  )
})

/** `noise` of the page is random bytes, the rest a phrase. */
function content(pageSize: number, noise: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: pageSize }, (_, i) =>
    i < pageSize * noise ? Math.imul(i + seed, 0x9e3779b1) >>> 24 : 'a phrase that comes again. '.charCodeAt(i % 27),
  )
}
