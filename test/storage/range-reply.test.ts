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
    expect(plan({ contentRange, contentLength: take }, offset, size)).toEqual({ skip: 0, take, toEnd: true })
    expect(plan({ contentRange }, offset, size)).toEqual({ skip: 0, take, toEnd: true })
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
    expect(plan({ status: 200, contentLength: 100 }, 0, 0)).toEqual({ skip: 0, take: 100, toEnd: true })
    expect(plan({ status: 200 }, 0, 0)).toEqual({ skip: 0, take: undefined, toEnd: true })
    expect(plan({ status: 200, contentLength: 100 }, 10, 20)).toEqual({ skip: 10, take: 20, toEnd: false })
    expect(plan({ status: 200, contentLength: 100 }, 90, 20)).toEqual({ skip: 90, take: 10, toEnd: true })
    expect(plan({ status: 200, contentLength: 100 }, 200, 20)).toEqual({ skip: 200, take: 0, toEnd: true })
    expect(() => plan({ status: 200 }, 10, 20)).toThrow('without a length')
  })
})
