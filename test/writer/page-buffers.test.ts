import { expect, test } from 'vitest'
import { Encoder } from '../../ltx/index.ts'
import { PageBuffers } from '../../writer/page-reader.ts'

// Thousands of idle databases are checkpointed one after the other; what each leaves to the garbage collector
// is in the process for long, and between longer-lived blocks for ever.
test('memory is as large as what is copied, and has a limit', () => {
  const bytes = (pageSize: number, wanted: number) => {
    const { batch, scratch, pages } = new PageBuffers(pageSize, wanted)
    expect(batch.length).toBe(pages * pageSize)
    expect(scratch.length).toBe(pages * (pageSize + 24))
    return batch.length
  }
  expect(bytes(4096, 1)).toBe(4096)
  expect(bytes(4096, 3)).toBe(4 * 4096)
  expect(bytes(4096, 1e6)).toBe(256 * 1024)
  expect(bytes(65536, 1e6)).toBe(256 * 1024)
  expect(bytes(512, 0)).toBe(512)
})

test('buffers for a larger copy do for a smaller one, not the other way about', () => {
  const buffers = new PageBuffers(4096, 10)
  expect([0, 1, 10, 16, 17, 1e6].map((wanted) => buffers.suffice(wanted))).toEqual([
    true,
    true,
    true,
    true,
    false,
    false,
  ])
  expect(new PageBuffers(4096, 64).suffice(1e6)).toBe(true)
})

test('a file of one page is made in 16 KiB', () => {
  const header = { pageSize: 4096, commit: 1, minTXID: 1n, maxTXID: 1n, timestamp: 0, preApplyChecksum: 0n }
  const encoder = new Encoder({ flags: 2, walOffset: 0, walSize: 0, walSalt1: 0, walSalt2: 0, nodeID: 0n, ...header })
  encoder.encodePage(1, new Uint8Array(4096))
  encoder.finish()
  expect(encoder.drain().buffer.byteLength).toBe(16 * 1024)
})
