/** What a Range header asks for of an object of a known size. */
export type ByteRange =
  | { readonly kind: 'whole' }
  /** `end` is exclusive. */
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'unsatisfiable'; readonly why: string }

/**
 * RFC 9110 14.1.2, one range only: `bytes=0-99`, `bytes=100-`, `bytes=-100`. A last byte past the end is cut. Several ranges
 * are refused rather than sent whole: who asks for two small parts of a large file wants anything but all of it. What is
 * no byte range at all is ignored, as the standard has it.
 */
export function parseRange(header: string | undefined, size: number): ByteRange {
  const set = /^bytes=(.*)$/i.exec(header?.trim() ?? '')?.[1]
  if (set === undefined) return { kind: 'whole' }
  if (set.includes(',')) return { kind: 'unsatisfiable', why: 'one range at a time' }
  const [, first, last] = /^\s*(\d{0,16})-(\d{0,16})\s*$/.exec(set) ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) {
    return { kind: 'unsatisfiable', why: 'not a byte range' }
  }
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1)
  if (first !== '' && last !== '' && Number(last) < start) {
    return { kind: 'unsatisfiable', why: 'the range ends before it begins' }
  }
  if (start >= end) return { kind: 'unsatisfiable', why: 'there is nothing in that range' }
  return { kind: 'part', start, end }
}
