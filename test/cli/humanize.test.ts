import { describe, expect, test } from 'vitest'
import { formatBytes, formatSpan } from '../../cli/humanize.ts'

// dustin/go-humanize v1.0.1: Bytes
const SIZES: [bytes: number, text: string][] = [
  [0, '0 B'],
  [1, '1 B'],
  [9, '9 B'],
  [10, '10 B'],
  [99, '99 B'],
  [100, '100 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [1001, '1.0 kB'],
  [1049, '1.0 kB'],
  [1050, '1.1 kB'],
  [1249, '1.2 kB'],
  [1250, '1.3 kB'],
  [1500, '1.5 kB'],
  [4096, '4.1 kB'],
  [8272, '8.3 kB'],
  [9949, '9.9 kB'],
  [9950, '10 kB'],
  [9999, '10 kB'],
  [10000, '10 kB'],
  [10499, '10 kB'],
  [10500, '10 kB'],
  [16384, '16 kB'],
  [16450, '16 kB'],
  [16500, '16 kB'],
  [16550, '17 kB'],
  [17500, '18 kB'],
  [32768, '33 kB'],
  [99499, '100 kB'],
  [99500, '100 kB'],
  [100000, '100 kB'],
  [999499, '1000 kB'],
  [999500, '1000 kB'],
  [999999, '1000 kB'],
  [1000000, '1.0 MB'],
  [1048576, '1.0 MB'],
  [4152000, '4.2 MB'],
  [12345678, '12 MB'],
  [123456789, '124 MB'],
  [999999999, '1000 MB'],
  [1000000000, '1.0 GB'],
  [5368709120, '5.4 GB'],
  [1000000000000, '1.0 TB'],
  [1234567890123456, '1.2 PB'],
]

describe('sizes and spans for people', () => {
  test.each(SIZES)('%d bytes', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })

  test.each([
    [0, '0s'],
    [59_400, '59s'],
    [60_000, '1:00'],
    [3_723_000, '1:02:03'],
  ])('%d ms', (ms, text) => {
    expect(formatSpan(ms)).toBe(text)
  })
})
