import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { azureDialect } from '../../storage/http/azure-dialect.ts'
import { s3Dialect } from '../../storage/http/s3-dialect.ts'
import { parseXml, textOf, type XmlElement } from '../../storage/http/xml.ts'

describe('parseXml', () => {
  test('elements, text, attributes, entities', () => {
    const text =
      '\n<?xml version="1.0" encoding="UTF-8"?>\n<r xmlns="http://x/" a=\'b "c"\'><k>a&amp;b &lt;&gt;&quot;&apos;&#65;&#x1F600;</k><e/><e />\n</r>\n'
    const root = parseXml(text, 'x')
    expect(root.name).toBe('r')
    expect(textOf(root, 'k')).toBe('a&b <>"\'A😀')
    expect(textOf(root, 'e')).toBe('')
    expect(textOf(root, 'none')).toBeUndefined()
    expect(root.children.map(({ name }) => name)).toEqual(['k', 'e', 'e'])
  })

  test('names are no prototypes', () => {
    expect(() => parseXml('<r>&constructor;</r>', 'x')).toThrow('an unknown entity')
  })

  test.each([
    ['', 'it has not one root'],
    ['plain text', 'it has not one root'],
    ['{"json":true}', 'it has not one root'],
    ['<a/><b/>', 'it has not one root'],
    ['<a/>x', 'it has not one root'],
    ['<a><b></a></b>', '</a> at character 6'],
    ['<a>', 'it is cut short'],
    ['<a><b>x</b>', 'it is cut short'],
    ['<a', 'at character 0'],
    ['<a>x</a', 'at character 4'],
    ['</a>', '</a> at character 0'],
    ['<a></a/>', '</a> at character 3'],
    ['<!DOCTYPE html><a/>', 'at character 0'],
    ['<!DOCTYPE r [<!ENTITY x "y">]><r>&x;</r>', 'at character 0'],
    ['<a><!-- c --></a>', 'at character 3'],
    ['<a><![CDATA[x]]></a>', 'at character 3'],
    ['<a b=c/>', 'at character 0'],
    ['<a>&nbsp;</a>', 'an unknown entity at character 3'],
    ['<a>&#x110000;</a>', 'an unknown entity at character 3'],
    ['<a>a & b</a>', 'an unknown entity at character 3'],
  ])('%j is refused: %s', (text, why) => {
    expect(() => parseXml(text, 's3://b/p')).toThrow(
      expect.objectContaining({
        code: 'STORAGE_BAD_REPLY',
        message: `Cannot list s3://b/p: the server does not answer with a listing in XML (${why}); is it such a store?`,
      }),
    )
  })

  test('what is written is read, and no beginning of it', () => {
    const tag = fc.stringMatching(/^[A-Za-z_][\w.-]{0,8}$/)
    const chars = fc.string({ unit: 'grapheme' })
    const { tree } = fc.letrec<{ tree: XmlElement }>((tie) => ({
      tree: fc.record({
        name: tag,
        text: chars,
        children: fc.oneof({ maxDepth: 3 }, fc.constant([]), fc.array(tie('tree'), { maxLength: 3 })),
      }),
    }))
    fc.assert(
      fc.property(tree, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (element, part) => {
        const text = `<?xml version="1.0"?>${write(element)}`
        expect(parseXml(text, 'x')).toEqual(element)
        expect(() => parseXml(text.slice(0, Math.floor(text.length * part)), 'x')).toThrow()
      }),
      { seed: 11, numRuns: 300 },
    )
  })
})

function write({ name, text, children }: XmlElement): string {
  const escaped = text.replace(/[&<>]/g, (char) => `&#${char.codePointAt(0)};`)
  return `<${name} a="&amp;>">${escaped}${children.map(write).join('')}</${name}>`
}

describe('a page of a listing', () => {
  const contents =
    '<Contents><Key>k</Key><LastModified>2026-01-02T03:04:05.678Z</LastModified><Size>7</Size></Contents>'
  const s3 = (inner: string) => s3Dialect.page(parseXml(`<ListBucketResult>${inner}</ListBucketResult>`, 'x'))

  test('of S3', () => {
    expect(
      s3(`<IsTruncated>true</IsTruncated>${contents}<NextContinuationToken>t&amp;</NextContinuationToken>`),
    ).toEqual({
      objects: [{ key: 'k', size: 7, lastModified: Date.parse('2026-01-02T03:04:05.678Z') }],
      more: true,
      next: 't&',
    })
    expect(s3('<IsTruncated>false</IsTruncated>')).toEqual({ objects: [], more: false, next: undefined })
  })

  test.each([
    ['nothing of whether it goes on', contents],
    ['a strange end', '<IsTruncated>maybe</IsTruncated>'],
    ['no key', `<IsTruncated>false</IsTruncated>${contents.replace(/<Key>.*<.Key>/, '')}`],
    ['no size', `<IsTruncated>false</IsTruncated>${contents.replace('>7<', '><')}`],
    ['a negative size', `<IsTruncated>false</IsTruncated>${contents.replace('>7<', '>-7<')}`],
    ['no time', `<IsTruncated>false</IsTruncated>${contents.replace('2026', 'MMXXVI')}`],
  ])('of S3 with %s is none', (_, inner) => {
    expect(s3(inner)).toBeUndefined()
  })

  const blob =
    '<Blob><Name>k</Name><Properties><Last-Modified>Wed, 25 Nov 2026 17:05:54 GMT</Last-Modified>' +
    '<Content-Length>7</Content-Length></Properties></Blob>'
  const azure = (inner: string) => azureDialect.page(parseXml(`<EnumerationResults>${inner}</EnumerationResults>`, 'x'))

  test('of Azure', () => {
    expect(azure(`<Blobs>${blob}</Blobs><NextMarker>m</NextMarker>`)).toEqual({
      objects: [{ key: 'k', size: 7, lastModified: Date.parse('2026-11-25T17:05:54Z') }],
      more: true,
      next: 'm',
    })
    expect(azure('<Blobs/><NextMarker/>')).toEqual({ objects: [], more: false, next: '' })
  })

  test.each([
    ['no blobs', '<NextMarker/>'],
    ['no marker', `<Blobs>${blob}</Blobs>`],
    ['no size', `<Blobs>${blob.replace('Content-Length>7', 'Content-Length>')}</Blobs><NextMarker/>`],
    ['no properties', '<Blobs><Blob><Name>k</Name></Blob></Blobs><NextMarker/>'],
  ])('of Azure with %s is none', (_, inner) => {
    expect(azure(inner)).toBeUndefined()
  })
})
