/** `setTimeout` takes no more than this. */
export const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

export interface WaitLimits {
  readonly signal?: AbortSignal | undefined
  /** Longest wait, in milliseconds. Default: for ever. */
  readonly ms?: number
  /** Called when the time is over. @returns what to throw */
  late?(): unknown
}

/**
 * Wait for something that cannot be called off. What comes of it after the time or an abort is ignored.
 * @throws what `work` throws; the signal's reason; what `late` returns
 */
export async function within<T>(work: Promise<T>, { ms, signal, late }: WaitLimits): Promise<T> {
  work.catch(() => {}) // nobody may be waiting for it any more when it fails
  signal?.throwIfAborted()
  let timer: ReturnType<typeof setTimeout> | undefined
  let abort: (() => void) | undefined
  const ended = new Promise<never>((_, reject) => {
    if (ms !== undefined) timer = setTimeout(() => reject(late?.()), Math.min(ms, LONGEST_TIMEOUT_MS))
    abort = () => reject(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
  })
  try {
    return await Promise.race([work, ended])
  } finally {
    clearTimeout(timer)
    if (abort) signal?.removeEventListener('abort', abort)
  }
}

/** Wait. @throws the signal's reason */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const abort = (): void => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', abort, { once: true })
  })
}
