import { expect, test } from 'vitest'
import { PageCache } from '../../pagecache/index.ts'
import { Account, newCost } from '../../replica/core/account.ts'
import { type OpenedFiles, openOnce } from '../../replica/state/opened-files.ts'
import { RangeReader } from '../../replica/state/range-reader.ts'
import { altered } from '../support/altered-client.ts'
import { Bucket } from '../writer/restore-bucket.ts'

test('whoever gives up opening a file takes nobody along that waits for the same', async () => {
  const bucket = new Bucket()
  await bucket.insertAndUpload(5)
  const [info] = await Array.fromAsync(bucket.client.list(0))
  let asked = 0
  const client = altered(bucket.client, {
    open: async (file, range) => {
      if (asked++ > 0) return await bucket.client.open(file, range)
      const { signal } = range!
      return await new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)))
    },
  })
  const opened: OpenedFiles = new Map()
  const reader = new RangeReader(client)
  const context = { reader, cache: new PageCache(), account: new Account([newCost()]), seen: {}, opened }
  const controller = new AbortController()
  const first = openOnce(info!, 'header', { ...context, signal: controller.signal })
  const others = [1, 2].map(() => openOnce(info!, 'header', context))
  controller.abort('enough')
  await expect(first).rejects.toBe('enough')
  const [one, other] = await Promise.all(others)
  expect(one).toBe(other)
  expect(one!.head.commit).toBe(bucket.images[1]!.length / 4096)
  expect(asked).toBe(2)
})
