import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CompactOptions, Header, Page } from '../../ltx/index.ts'
import { CHECKSUM_FLAG, checksumPage, compact, DatabaseChecksum, decodeDatabase, isLtxError } from '../../ltx/index.ts'
import { codeOfAsync, concat, decodeFile, encodeFile, FORMS, header, incremental, pages, reader } from './support.ts'

async function compacted(files: readonly Uint8Array[], options: CompactOptions = {}): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of compact(
    files.map((file) => reader(file)),
    options,
  ))
    chunks.push(chunk)
  return concat(...chunks)
}

const first = encodeFile(header(), pages([1, 2, 3]))
const second = encodeFile(incremental(2n, { commit: 5, timestamp: 2000 }), pages([2, 4, 5], 512, 2))
const third = encodeFile(incremental(3n, { commit: 4, timestamp: 3000 }), pages([4], 512, 3))

test('facts 1.10: the latest version of each page, none beyond the last commit; header from first and last', async () => {
  const decoded = decodeFile(await compacted([first, second, third]))
  expect(decoded.header).toEqual(
    header({ commit: 4, maxTXID: 3n, timestamp: 3000, walOffset: 0, walSize: 0, walSalt1: 0, walSalt2: 0 }),
  )
  expect(decoded.pages).toEqual([...pages([1]), ...pages([2], 512, 2), ...pages([3]), ...pages([4], 512, 3)])
})

test('one input comes out as itself; an incremental range stays incremental', async () => {
  expect(decodeFile(await compacted([first])).pages).toEqual(pages([1, 2, 3]))
  const range = decodeFile(await compacted([second, third]))
  expect(range.header).toMatchObject({ minTXID: 2n, maxTXID: 3n, commit: 4 })
  expect(range.pages).toEqual([...pages([2], 512, 2), ...pages([4], 512, 3)])
})

describe.each(FORMS)('from %s form', (from) => {
  test.each(FORMS)('to %s form', async (form) => {
    const inputs = [
      encodeFile(header(), pages([1, 2, 3]), { form: from }),
      encodeFile(incremental(2n), pages([2], 512, 2), { form: from }),
    ]
    const decoded = decodeFile(await compacted(inputs, { form }))
    expect(decoded.pages).toEqual([...pages([1]), ...pages([2], 512, 2), ...pages([3])])
  })
})

test('a block is passed on as it is', async () => {
  const file = await compacted([first, third])
    .then(() => 'no error')
    .catch((error) => (isLtxError(error) ? error.code : error))
  expect(file).toBe('LTX_COMPACT_GAP')
  const out = await compacted([first, encodeFile(incremental(2n), pages([2], 512, 2))])
  const frame = (bytes: Uint8Array, i: number) => {
    const { offset, size } = decodeFile(bytes).index.entry(i)
    return bytes.slice(offset, offset + size)
  }
  expect(frame(out, 0)).toEqual(frame(first, 0))
  expect(frame(out, 2)).toEqual(frame(first, 2))
})

test('checksums are kept when all inputs have them, and the result is verified', async () => {
  const database = (list: readonly Page[]) => {
    const sum = new DatabaseChecksum()
    for (const { pgno, data } of list) sum.add(checksumPage(pgno, data))
    return sum.value
  }
  const one = encodeFile(header({ flags: 0 }), pages([1, 2, 3]))
  const pre = database(pages([1, 2, 3]))
  const after = database([...pages([1]), ...pages([2], 512, 2), ...pages([3])])
  const two = encodeFile(incremental(2n, { flags: 0, preApplyChecksum: pre }), pages([2], 512, 2), { post: after })
  const both = decodeFile(await compacted([one, two]))
  expect(both.header.flags).toBe(0)
  expect(both.trailer.postApplyChecksum).toBe(after)
  expect(decodeFile(await compacted([two])).header.preApplyChecksum).toBe(pre)
  const wrong = encodeFile(incremental(2n, { flags: 0, preApplyChecksum: pre }), pages([2], 512, 2), {
    post: CHECKSUM_FLAG | 1n,
  })
  expect(await codeOfAsync(() => compacted([one, wrong]))).toBe('LTX_POST_APPLY_MISMATCH')
  const without = encodeFile(incremental(2n), pages([2], 512, 2))
  expect(decodeFile(await compacted([one, without])).header.flags).toBe(2)
})

test('LTX_COMPACT_NO_INPUT', async () => {
  expect(await codeOfAsync(() => compacted([]))).toBe('LTX_COMPACT_NO_INPUT')
})

test('LTX_COMPACT_PAGE_SIZE', async () => {
  const other = encodeFile(incremental(2n, { pageSize: 1024 }), pages([2], 1024))
  expect(await codeOfAsync(() => compacted([first, other]))).toBe('LTX_COMPACT_PAGE_SIZE')
})

test('LTX_COMPACT_GAP, unless it is allowed; an overlap is none', async () => {
  const fourth = encodeFile(incremental(4n), pages([2], 512, 4))
  expect(await codeOfAsync(() => compacted([first, fourth]))).toBe('LTX_COMPACT_GAP')
  expect(decodeFile(await compacted([first, fourth], { allowNonContiguous: true })).header.maxTXID).toBe(4n)
  const overlapping = encodeFile(incremental(2n, { maxTXID: 9n, commit: 5 }), pages([2, 4, 5], 512, 9))
  expect(decodeFile(await compacted([first, second, overlapping])).header.maxTXID).toBe(9n)
})

test('LTX_COMPACT_ORDER', async () => {
  expect(await codeOfAsync(() => compacted([second, first]))).toBe('LTX_COMPACT_ORDER')
  expect(await codeOfAsync(() => compacted([first, first], { allowNonContiguous: true }))).toBe('LTX_COMPACT_ORDER')
})

test('LTX_COMPACT_PAGE_MISSING says which page, and what that means', async () => {
  const grown = encodeFile(incremental(2n, { commit: 6 }), pages([4, 6], 512, 2))
  const attempt = () => compacted([first, grown])
  expect(await codeOfAsync(attempt)).toBe('LTX_COMPACT_PAGE_MISSING')
  await expect(attempt()).rejects.toMatchObject({ at: { pgno: 5 } })
  await expect(attempt()).rejects.toThrow(
    'Cannot compact up to 0000000000000002: the database has 6 pages there, but no input holds this one. ' +
      'The file that grew the database left it out; a new snapshot mends that (pgno 5)',
  )
  const short = encodeFile(incremental(2n, { commit: 5 }), pages([4], 512, 2))
  await expect(compacted([first, short])).rejects.toMatchObject({ code: 'LTX_COMPACT_PAGE_MISSING', at: { pgno: 5 } })
})

test('every input is proved to its end, pages that are not wanted included', async () => {
  for (const which of [0, 1, 2]) {
    const files = [first, second, third].map((file) => file.slice())
    files[which]![files[which]!.length - 1]! ^= 1
    expect(await codeOfAsync(() => compacted(files))).toBe('LTX_FILE_CHECKSUM')
  }
})

test('the sources are let go, whether it ends well or not', async () => {
  let open = 0
  async function* source(file: Uint8Array) {
    open++
    try {
      yield file.subarray(0, 200)
      yield file.subarray(200)
    } finally {
      open--
    }
  }
  const { LtxReader } = await import('../../ltx/index.ts')
  const readers = (...files: Uint8Array[]) => files.map((file) => new LtxReader(source(file)))
  for await (const _ of compact(readers(first, second))) break
  expect(open).toBe(0)
  await codeOfAsync(async () => {
    for await (const _ of compact(readers(first, third)));
  })
  expect(open).toBe(0)
  const { pages: image } = await decodeDatabase(readers(first, second))
  for await (const { pgno } of image) if (pgno === 2) break
  expect(open).toBe(0)
})

test('compacting in steps is compacting at once, and both are the database (seed 12)', async () => {
  const change = fc.record({
    pgnos: fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 6 }),
    commit: fc.integer({ min: 1, max: 14 }),
    form: fc.constantFrom(...FORMS),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), fc.nat(), async (changes, cut) => {
      const { files, model } = history(changes)
      const image: Page[] = []
      const { pages: found } = await decodeDatabase(files.map((file) => reader(file, 333)))
      for await (const { pgno, data } of found) image.push({ pgno, data: data.slice() })
      expect(image).toEqual(model)
      const once = await compacted(files)
      const middle = 1 + (cut % files.length)
      const parts = [files.slice(0, middle), files.slice(middle)].filter((part) => part.length > 0)
      const steps = await compacted(await Promise.all(parts.map((part) => compacted(part))))
      expect(decodeFile(steps).pages).toEqual(decodeFile(once).pages)
      expect(decodeFile(once).pages).toEqual(model)
    }),
    { seed: 12, numRuns: 60 },
  )
})

/** Files of a made-up history by the writer's rules (facts 11.3, 11.4), and the database they leave. */
function history(changes: readonly { pgnos: number[]; commit: number; form: (typeof FORMS)[number] }[]) {
  const database = new Map<number, Uint8Array>()
  const files: Uint8Array[] = []
  let commit = 0
  for (const [i, change] of changes.entries()) {
    const txid = BigInt(i + 1)
    const wanted = new Set(change.pgnos.filter((pgno) => pgno <= change.commit))
    for (let pgno = commit + 1; pgno <= change.commit; pgno++) wanted.add(pgno)
    const list = pages(
      [...wanted].sort((a, b) => a - b),
      512,
      i,
    )
    for (const { pgno, data } of list) database.set(pgno, data)
    commit = change.commit
    for (const pgno of database.keys()) if (pgno > commit) database.delete(pgno)
    const h: Header = incremental(txid, { commit })
    files.push(encodeFile(h, list, { form: change.form }))
  }
  const model = [...database].sort(([a], [b]) => a - b).map(([pgno, data]) => ({ pgno, data }))
  return { files, model }
}
