import { attempt, Backoff, type RetryOptions, signalOf } from './backoff.ts'
import { ownedStream } from './body.ts'
import { StorageError } from './errors.ts'
import type { ByteStream, OpenOptions } from './types.ts'

/** A read that goes on where it broke off: `open` is called again for what is left. */
export async function openResumed(
  open: (rest: OpenOptions) => Promise<ByteStream | undefined>,
  { offset = 0, size = 0, signal }: OpenOptions,
  about: { readonly retry: RetryOptions /** What is read, for people. */; readonly name: string },
): Promise<ByteStream | undefined> {
  const backoff = new Backoff(about.retry, signal)
  let delivered = 0
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
          source = await reopen()
          if (!source) throw vanished(about.name, offset + delivered)
        }
        const { done, value } = await source.next()
        if (done) return undefined
        delivered += value.length
        backoff.progress()
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

function vanished(name: string, offset: number): StorageError {
  const message = `Cannot go on reading ${name}: it was deleted`
  return new StorageError('STORAGE_NOT_FOUND', message, { at: { offset } })
}
