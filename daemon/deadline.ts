import { DaemonError } from './errors.ts'

/** @throws DaemonError DAEMON_TIMEOUT when `work` takes longer; it goes on all the same */
export async function withDeadline<T>(
  work: Promise<T>,
  { timeoutMs, what, path }: { timeoutMs?: number | undefined; what: string; path: string },
): Promise<T> {
  if (timeoutMs === undefined) return await work
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const message = `Cannot ${what} ${path} within ${timeoutMs / 1000} s`
      reject(new DaemonError('DAEMON_TIMEOUT', message, { at: { path }, hint: 'It goes on: ask again.' }))
    }, timeoutMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
    work.catch(() => {}) // nobody waits for it any more
  }
}
