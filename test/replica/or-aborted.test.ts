import { expect, test } from 'vitest'
import { orAborted } from '../../replica/core/or-aborted.ts'

test('what is waited for no longer rejects unhandled by nobody, also when it was aborted before', async () => {
  const unhandled: unknown[] = []
  const note = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', note)
  for (const signal of [AbortSignal.abort('before'), AbortSignal.timeout(5)]) {
    const late = new Promise<never>((_, reject) => setTimeout(reject, 20, new Error('late')))
    await expect(orAborted(late, signal)).rejects.toBeDefined()
  }
  await new Promise((resolve) => setTimeout(resolve, 40))
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
})

test('the result, the failure, the reason', async () => {
  const { signal } = new AbortController()
  expect(await orAborted(Promise.resolve(1), signal)).toBe(1)
  expect(await orAborted(Promise.resolve(2), undefined)).toBe(2)
  await expect(orAborted(Promise.reject(new Error('own')), signal)).rejects.toThrow('own')
  await expect(orAborted(Promise.resolve(3), AbortSignal.abort('reason'))).rejects.toBe('reason')
})
