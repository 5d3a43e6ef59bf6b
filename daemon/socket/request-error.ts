import { isDaemonError } from '../errors.ts'
import type { ErrorReply } from './messages.ts'

/** What a request is refused with. */
export class RequestError extends Error {
  readonly status: number
  readonly details: unknown

  constructor(status: number, message: string, details?: unknown) {
    super(message)
    this.status = status
    this.details = details
  }
}

/** @returns the status and the body that say what went wrong; a hint goes into `details` */
export function errorReply(error: unknown): { readonly status: number; readonly body: ErrorReply } {
  if (error instanceof RequestError) return { status: error.status, body: body(error.message, error.details) }
  const hint = (error as { hint?: string }).hint
  const message = error instanceof Error ? error.message : String(error)
  return { status: statusOf(error), body: body(message, hint) }
}

function statusOf(error: unknown): number {
  if (isDaemonError(error, 'DAEMON_NO_SUCH_DATABASE')) return 404
  return isDaemonError(error, 'DAEMON_NOT_OPEN') ? 409 : 500
}

function body(error: string, details: unknown): ErrorReply {
  return details === undefined ? { error } : { error, details }
}
