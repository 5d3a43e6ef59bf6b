import { attempt, Backoff, type RetryOptions, signalOf } from './backoff.ts'
import { ownedStream } from './body.ts'
import { StorageError, type StorageErrorCode } from './errors.ts'
import type { ByteStream, OpenOptions } from './types.ts'

/** A read that goes on where it broke off: `open` is called again for what is left. */
export async function openResumed(
  open: (rest: OpenOptions) => Promise<ByteStream | undefined>,
  { offset = 0, size = 0, signal }: OpenOptions,
  about: {
    readonly retry: RetryOptions
    /** What is read, for people. */
    readonly name: string
    /** Of the whole file, where it is known: no more than that is taken, whatever the store sends. */
    readonly listedSize?: number | undefined
  },
): Promise<ByteStream | undefined> {
  const backoff = new Backoff(about.retry, signal)
  // There is no file of 0 bytes: a listing that says so does not know.
  const most = size > 0 ? size : Math.max(0, (about.listedSize || Number.POSITIVE_INFINITY) - offset)
  let delivered = 0
  const fail = (code: StorageErrorCode, why: string): StorageError =>
    new StorageError(code, `Cannot go on reading ${about.name}: ${why}`, { at: { offset: offset + delivered } })
  const reopen = async (): Promise<AsyncIterator<Uint8Array> | undefined> => {
    const rest = { offset: offset + delivered, size: size > 0 ? size - delivered : 0, ...signalOf(backoff) }
    return (await open(rest))?.[Symbol.asyncIterator]()
  }
  let source: AsyncIterator<Uint8Array> | undefined = await attempt(backoff, reopen)
  if (!source) return undefined
  const next = async (): Promise<Uint8Array | undefined> => {
    for (;;) {
      try {
        if (!source) {
          if (size > 0 && delivered === size) return undefined
          source = await backoff.patience.count(reopen())
          if (!source) throw fail('STORAGE_NOT_FOUND', 'it was deleted')
        }
        const { done, value } = await backoff.patience.count(source.next())
        if (done) return undefined
        if (delivered + value.length > most)
          throw fail('STORAGE_BAD_RANGE_REPLY', `more comes than the ${most} bytes there are`)
        delivered += value.length
        backoff.progress(value.length)
        return value
      } catch (error) {
        await source?.return?.().catch(() => {})
        source = undefined
        await backoff.wait(error)
      }
    }
  }
  return ownedStream(next, async () => {
    await source?.return?.()
  })
}
