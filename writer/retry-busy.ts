import { WriterError } from './errors.ts'

const SQLITE_BUSY = 5
const SQLITE_LOCKED = 6
const SQLITE_CORRUPT = 11
const SQLITE_FULL = 13
const SQLITE_NOTADB = 26

export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>

/** SQLite's primary result code of an error thrown by `node:sqlite`, or undefined for any other error. */
export function sqliteCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | undefined)?.errcode
  return typeof code === 'number' ? code & 0xff : undefined
}

export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error)
  return code === SQLITE_BUSY || code === SQLITE_LOCKED
}

/**
 * Run `fn` until it is no longer refused for a lock, for `timeoutMs` at the most. SQLite's own busy handler would
 * hold up the event loop, and with it uploads in flight, for that long; this one sleeps beside it.
 */
export async function retryBusy<T>(fn: () => T, options: { timeoutMs: number; sleep: Sleep }): Promise<T> {
  for (let waitedMs = 0, delayMs = 1; ; delayMs = Math.min(delayMs * 2, 50)) {
    try {
      return fn()
    } catch (error) {
      if (!isBusy(error) || waitedMs >= options.timeoutMs) throw error
    }
    await options.sleep(delayMs)
    waitedMs += delayMs
  }
}

/** An error of `node:sqlite` in this folder's words; anything else as it is. */
export function databaseError(error: unknown, path: string): unknown {
  const code = sqliteCode(error)
  if (code === undefined) return error
  const at = { path }
  const { message } = error as Error
  switch (code) {
    case SQLITE_NOTADB:
      return new WriterError('WRITER_NOT_A_DATABASE', `Cannot open ${path}: file is not a database`, {
        at,
        cause: error,
        hint: 'Check the path: this file is not a SQLite database (or it is encrypted).',
      })
    case SQLITE_CORRUPT:
      return new WriterError('WRITER_DATABASE', `Cannot read ${path}: ${message}`, {
        at,
        cause: error,
        hint: `Run "PRAGMA integrity_check" on it, and restore a backup if it is damaged.`,
      })
    case SQLITE_FULL:
      return new WriterError('WRITER_DISK_FULL', `Cannot write ${path}: ${message}`, {
        at,
        cause: error,
        hint: 'Free some disk space.',
      })
    default:
      return new WriterError('WRITER_DATABASE', `SQLite refused an operation on ${path}: ${message}`, {
        at,
        cause: error,
      })
  }
}
