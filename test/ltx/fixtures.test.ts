import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  compact,
  decodeDatabase,
  decodePageFrame,
  decodePageIndex,
  Encoder,
  formatTXID,
  locatePageIndex,
  parseFilename,
} from '../../ltx/index.ts'
import { concat, decodeFile, FORMS, reader } from './support.ts'

/** Written by real Litestream; see tools/make-fixtures.ts. */
interface Expected {
  readonly producer: string
  readonly form: (typeof FORMS)[number]
  readonly databases: readonly {
    readonly name: string
    readonly pageSize: number
    readonly files: readonly string[]
    /** What `litestream restore -txid` made. */
    readonly images: readonly { readonly txid: string; readonly size: number; readonly sha256: string }[]
  }[]
}

const root = join(import.meta.dirname, '../fixtures')
const producers = readdirSync(root).filter((name) => existsSync(join(root, name, 'expected.json')))

test('there are fixtures of both forms and of the extension', () => {
  expect(producers).toEqual(['litestream-0.5.15', 'litestream-0.5.16', 'litestream-vfs-0.5.17'])
})

describe.each(producers)('%s', (producer) => {
  const expected: Expected = JSON.parse(readFileSync(join(root, producer, 'expected.json'), 'utf8'))

  describe.each(expected.databases)('$name', (database) => {
    const read = (file: string) => new Uint8Array(readFileSync(join(root, producer, database.name, file)))
    const level0 = database.files.filter((file) => file.startsWith('0/'))
    const chain = (txid: string) => level0.filter((file) => file.slice(-20, -4) <= txid).map(read)

    test.each(database.files)('%s is proved', (file) => {
      const bytes = read(file)
      const decoded = decodeFile(bytes, 777)
      expect(decoded.header.pageSize).toBe(database.pageSize)
      expect(decoded.header.flags).toBe(2)
      expect(parseFilename(file.slice(2))).toEqual({ minTXID: decoded.header.minTXID, maxTXID: decoded.header.maxTXID })
      const { offset, size } = locatePageIndex(bytes.subarray(-24), bytes.length)
      const limits = { commit: decoded.header.commit, pageSize: database.pageSize, indexOffset: offset }
      const index = decodePageIndex(bytes.subarray(offset, offset + size), limits)
      expect([...index]).toEqual([...decoded.index])
      for (const [i, entry] of [...index].entries()) {
        expect(bytes[entry.offset + 5]).toBe(expected.form === 'block' ? 1 : 0)
        const frame = bytes.subarray(entry.offset, entry.offset + entry.size)
        expect(decodePageFrame(frame, database.pageSize)).toEqual(decoded.pages[i])
      }
    })

    test.each(database.files)('%s encoded again has the very checksum, but for frame sizes', (file) => {
      const bytes = read(file)
      const decoded = decodeFile(bytes)
      const encoder = new Encoder(decoded.header, { form: expected.form })
      for (const [i, { pgno, data }] of decoded.pages.entries()) {
        const { offset, size } = decoded.index.entry(i)
        encoder.encodePage(pgno, data, bytes.subarray(offset + 10, offset + size))
      }
      encoder.finish()
      const again = encoder.take()
      if (expected.form === 'block') expect(Buffer.compare(again, bytes)).toBe(0)
      else expect(decodeFile(again).pages).toEqual(decoded.pages)
    })

    test.each(database.images)(
      'the image at $txid is what litestream restore makes',
      async ({ txid, size, sha256 }) => {
        expect(await imageOf(chain(txid))).toEqual({ size, sha256 })
        for (const form of FORMS) {
          const chunks: Uint8Array[] = []
          for await (const chunk of compact(
            chain(txid).map((file) => reader(file)),
            { form },
          ))
            chunks.push(chunk)
          const compacted = concat(...chunks)
          expect(formatTXID(decodeFile(compacted).header.maxTXID)).toBe(txid)
          expect(await imageOf([compacted])).toEqual({ size, sha256 })
        }
      },
    )

    test('a snapshot of level 9 is the last image', async () => {
      for (const file of database.files.filter((name) => name.startsWith('9/'))) {
        const { size, sha256 } = database.images.at(-1)!
        expect(await imageOf([read(file)])).toEqual({ size, sha256 })
      }
    })
  })
})

async function imageOf(files: readonly Uint8Array[]): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256')
  let size = 0
  const { pages } = await decodeDatabase(files.map((file) => reader(file)))
  for await (const { data } of pages) {
    hash.update(data)
    size += data.length
  }
  return { size, sha256: hash.digest('hex') }
}
