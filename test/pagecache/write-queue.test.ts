import { describe, expect, test } from 'vitest'
import { type QueuedWrite, WriteQueue } from '../../pagecache/disk/write-queue.ts'
import { seededRandom } from '../support/random.ts'

const page = (pgno: number, size: number): QueuedWrite => ({
  kind: 'page',
  file: 'f',
  pgno,
  bytes: new Uint8Array(size),
})

describe('WriteQueue', () => {
  test('gives back what came first, and drops what came first when there is no room', () => {
    const queue = new WriteQueue(1000)
    for (let pgno = 1; pgno <= 4; pgno++) expect(queue.push(page(pgno, 250))).toEqual({ dropped: 0 })
    expect(queue.push(page(5, 300))).toEqual({ dropped: 2 })
    expect(queue.take(10, 10_000)).toEqual([page(3, 250), page(4, 250), page(5, 300)])
    expect(queue.length).toBe(0)
  })

  test('takes one at least, then no more than asked for', () => {
    const queue = new WriteQueue(10_000)
    for (const size of [500, 100, 100, 100]) queue.push(page(1, size))
    expect(queue.take(10, 50)).toHaveLength(1)
    expect(queue.take(10, 250)).toHaveLength(2)
    expect(queue.take(0, 250)).toHaveLength(0)
  })

  test('keeps the newest though it is larger than the queue', () => {
    const queue = new WriteQueue(100)
    queue.push(page(1, 60))
    expect(queue.push(page(2, 5000))).toEqual({ dropped: 1 })
    expect(queue.take(10, 100)).toEqual([page(2, 5000)])
    expect(queue.push(page(3, 60))).toEqual({ dropped: 0 })
  })

  test('never loses order or count over a long random run', () => {
    const random = seededRandom(4)
    const queue = new WriteQueue(3000 * 10)
    let [pushed, gone, last] = [0, 0, 0]
    for (let i = 0; i < 30_000; i++) {
      if (random() < 0.6) gone += queue.push(page(++pushed, 10)).dropped
      else {
        for (const item of queue.take(2, 100)) {
          if (item.kind !== 'page' || item.pgno <= last) throw new Error('out of order')
          last = item.pgno
          gone++
        }
      }
      expect(queue.length).toBe(pushed - gone)
    }
  })
})
