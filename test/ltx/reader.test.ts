import { expect, test } from 'vitest'
import { decodePages, LtxReader } from '../../ltx/index.ts'
import { codeOfAsync, concat, decodeFile, encodeFile, header, pages, reader } from './support.ts'

const file = encodeFile(header(), pages([1, 2, 3]))

test('pages, header and trailer from a stream', async () => {
  for (const chunkSize of [1, 7, 100, 1000, 100_000]) {
    const r = reader(file, chunkSize)
    expect(await r.header()).toEqual(header())
    const found = []
    for await (const { pgno, data } of r.pages()) found.push({ pgno, data: data.slice() })
    expect(found).toEqual(pages([1, 2, 3]))
    expect(await r.close()).toEqual(decodeFile(file).trailer)
    expect(r.pageIndex.length).toBe(3)
  }
})

test('a chunk is given back before the next is asked for', async () => {
  async function* reusing() {
    const chunk = new Uint8Array(97)
    for (let at = 0; at < file.length; at += 97) {
      const size = Math.min(97, file.length - at)
      chunk.set(file.subarray(at, at + size))
      yield chunk.subarray(0, size)
      chunk.fill(0xee)
    }
  }
  const found = []
  for await (const { pgno, data } of decodePages(reusing())) found.push({ pgno, data: data.slice() })
  expect(found).toEqual(pages([1, 2, 3]))
})

test('within a chunk nothing is waited for', async () => {
  const r = reader(file, file.length)
  await r.header()
  for (let pgno = 1; pgno <= 3; pgno++) expect(r.tryNext()).toMatchObject({ pgno })
  expect(r.tryNext()).toBe('end')
})

test('close alone proves the file', async () => {
  expect(await reader(file).close()).toEqual(decodeFile(file).trailer)
  expect(await codeOfAsync(() => reader(file.subarray(0, -1)).close())).toBe('LTX_TRUNCATED')
  expect(await codeOfAsync(() => reader(concat(file, file)).close())).toBe('LTX_TRAILING_BYTES')
  expect(await codeOfAsync(() => reader(new Uint8Array(0)).header())).toBe('LTX_TRUNCATED')
  const damaged = file.slice()
  damaged[damaged.length - 1]! ^= 1
  expect(await codeOfAsync(() => reader(damaged).close())).toBe('LTX_FILE_CHECKSUM')
})

test('cancel lets the source go, once', async () => {
  let released = 0
  async function* source() {
    try {
      yield file.subarray(0, 150)
      yield file.subarray(150)
    } finally {
      released++
    }
  }
  const r = new LtxReader(source())
  await r.header()
  await r.cancel()
  await r.cancel()
  expect(released).toBe(1)
  for await (const { pgno } of decodePages(source())) if (pgno === 1) break
  expect(released).toBe(2)
})
