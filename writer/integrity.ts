import { rm } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import { WriterError } from './errors.ts'

export type IntegrityCheck = 'none' | 'quick' | 'full'

/** What SQLite may leave beside a database file. */
export const SQLITE_SIDECARS = ['-wal', '-shm', '-journal'] as const

// node:sqlite runs a check in one uninterruptible call, so it gets a thread of its own. As text: a file would need
// a path that is right in the sources, in the build, and in every bundle.
const WORKER = `
const { parentPort, workerData } = require('node:worker_threads')
const { DatabaseSync } = require('node:sqlite')
const database = new DatabaseSync(workerData.path)
try {
  const rows = database.prepare('PRAGMA ' + workerData.pragma).all()
  parentPort.postMessage(rows.map((row) => String(Object.values(row)[0])))
} finally {
  database.close()
}`

/**
 * Let SQLite check a database file that nobody else uses. Side files it makes are removed.
 *
 * @throws WriterError WRITER_INTEGRITY with what SQLite found; the signal's reason on abort
 */
export async function checkIntegrity(path: string, check: IntegrityCheck, signal?: AbortSignal): Promise<void> {
  if (check === 'none') return
  signal?.throwIfAborted()
  try {
    const findings = await runCheck(path, check === 'full' ? 'integrity_check' : 'quick_check', signal)
    if (findings.length === 1 && findings[0] === 'ok') return
    throw integrityError(path, findings.slice(0, 5).join('; ') || 'no result')
  } finally {
    await removeSidecars(path)
  }
}

/** Remove `-wal`, `-shm` and `-journal` of a database file, where they exist. */
export async function removeSidecars(path: string): Promise<void> {
  for (const suffix of SQLITE_SIDECARS) await rm(path + suffix, { force: true })
}

function runCheck(path: string, pragma: string, signal: AbortSignal | undefined): Promise<string[]> {
  const worker = new Worker(WORKER, { eval: true, workerData: { path, pragma }, execArgv: ['--no-warnings'] })
  return new Promise<string[]>((resolve, reject) => {
    const abort = () => {
      reject(signal?.reason)
      void worker.terminate()
    }
    signal?.addEventListener('abort', abort, { once: true })
    let findings: string[] | undefined
    worker.once('message', (rows: string[]) => {
      findings = rows
    })
    worker.once('error', (error) => reject(integrityError(path, String((error as Error).message), error)))
    // Only now is the file closed again.
    worker.once('exit', () => {
      signal?.removeEventListener('abort', abort)
      if (findings === undefined) reject(integrityError(path, 'the check did not finish'))
      else resolve(findings)
    })
  })
}

function integrityError(path: string, finding: string, cause?: unknown): WriterError {
  return new WriterError('WRITER_INTEGRITY', `Restored database ${path} is damaged: ${finding}`, {
    at: { path },
    cause,
    hint: 'Restore an earlier state, or check the original database.',
  })
}
