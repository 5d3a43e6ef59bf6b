import { describe, expect, test } from 'vitest'
import { planRangeReply } from '../../storage/range-reply.ts'

const plan = (reply: Partial<Parameters<typeof planRangeReply>[0]>, offset: number, size: number) =>
  planRangeReply({ status: 206, ...reply }, { key: 'k', offset, size })

describe('planRangeReply', () => {
  test.each([
    ['bytes 0-999/1000', 0, 0, 1000],
    ['bytes 10-19/1000', 10, 10, 10],
    ['bytes 990-999/1000', 990, 0, 10],
    ['bytes 990-999/1000', 990, 100, 10],
    ['bytes 10-19/*', 10, 10, 10],
  ])('takes %s for %i+%i', (contentRange, offset, size, take) => {
    expect(plan({ contentRange, contentLength: take }, offset, size)).toMatchObject({ skip: 0, take, toEnd: true })
    expect(plan({ contentRange }, offset, size)).toMatchObject({ skip: 0, take, toEnd: true })
  })

  test.each([
    [undefined, 0, 0],
    ['bytes 0-999', 0, 0],
    ['items 0-999/1000', 0, 0],
    ['bytes 1-999/1000', 0, 0],
    ['bytes 0-998/1000', 0, 0],
    ['bytes 10-18/1000', 10, 10],
    ['bytes 10-20/1000', 10, 10],
    ['bytes 11-20/1000', 10, 10],
    ['bytes 0-9/1000', 10, 10],
    ['bytes 10-15/*', 10, 10],
    ['bytes 10-999/*', 10, 0],
  ])('refuses %s for %i+%i', (contentRange, offset, size) => {
    expect(() => plan({ contentRange }, offset, size)).toThrow(
      expect.objectContaining({ code: 'STORAGE_BAD_RANGE_REPLY' }),
    )
  })

  test('refuses a length that is not the range, a strange status, a compressed body', () => {
    const contentRange = 'bytes 0-9/10'
    expect(() => plan({ contentRange, contentLength: 9 }, 0, 10)).toThrow('Content-Length 9')
    expect(() => plan({ status: 204 }, 0, 10)).toThrow('got status 204')
    expect(() => plan({ contentRange, contentEncoding: 'gzip' }, 0, 10)).toThrow('compressed (gzip)')
  })

  test('slices a whole object from a server that ignores ranges', () => {
    expect(plan({ status: 200, contentLength: 100 }, 0, 0)).toMatchObject({ skip: 0, take: 100, toEnd: true })
    expect(plan({ status: 200 }, 0, 0)).toMatchObject({ skip: 0, take: undefined, toEnd: true })
    expect(plan({ status: 200, contentLength: 100 }, 10, 20)).toMatchObject({ skip: 10, take: 20, toEnd: false })
    expect(plan({ status: 200, contentLength: 100 }, 90, 20)).toMatchObject({ skip: 90, take: 10, toEnd: true })
    expect(plan({ status: 200, contentLength: 100 }, 200, 20)).toMatchObject({ skip: 200, take: 0, toEnd: true })
    expect(() => plan({ status: 200 }, 10, 20)).toThrow('without a length')
  })

  describe('where a browser hides Content-Range', () => {
    const hidden = (asked: { offset: number; size: number; fileSize?: number }, contentLength?: number) =>
      planRangeReply({ status: 206, hidden: true, contentLength }, { key: 'k', ...asked })

    test.each([
      [{ offset: 10, size: 20 }, 20],
      [{ offset: 10, size: 20, fileSize: 25 }, 15],
      [{ offset: 10, size: 0, fileSize: 25 }, 15],
    ])('%o: exactly the length that was asked for', (asked, take) => {
      expect(hidden(asked, take)).toEqual({ skip: 0, take, toEnd: true })
      expect(hidden(asked)).toEqual({ skip: 0, take, toEnd: true })
      for (const length of [take - 1, take + 1]) {
        expect(() => hidden(asked, length)).toThrow(
          expect.objectContaining({ code: 'STORAGE_BAD_RANGE_REPLY', retryable: false }),
        )
      }
    })

    test('says what to expose where the end is not known', () => {
      expect(() => hidden({ offset: 10, size: 0 }, 15)).toThrow(/Access-Control-Expose-Headers: Content-Range, ETag/)
    })

    test('a visible one counts as ever', () => {
      const reply = { status: 206, hidden: true, contentRange: 'bytes 11-30/100', contentLength: 20 }
      expect(() => planRangeReply(reply, { key: 'k', offset: 10, size: 20 })).toThrow('got Content-Range')
    })
  })

  test('a known size makes up for a length that is not told', () => {
    const asked = { key: 'k', offset: 10, size: 20, fileSize: 100 }
    expect(planRangeReply({ status: 200 }, asked)).toEqual({ skip: 10, take: 20, toEnd: false, total: 100 })
  })
})
