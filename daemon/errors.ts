import type { TXID } from '../ltx/index.ts'

export type DaemonErrorCode =
  | 'DAEMON_CONFIG'
  | 'DAEMON_NO_SUCH_DATABASE'
  | 'DAEMON_NOT_OPEN'
  | 'DAEMON_TIMEOUT'
  | 'DAEMON_UNREACHABLE'
  | 'DAEMON_REFUSED'
  | 'DAEMON_CANNOT_LISTEN'

export interface DaemonErrorContext {
  /** The configuration file, the socket or the database. */
  readonly path?: string
  /** In the configuration file, both from 1. */
  readonly line?: number
  readonly column?: number
  readonly txid?: TXID
}

/** Every failure of `daemon/`. Messages name the thing and hold no secret; the hint says what to do. */
export class DaemonError extends Error {
  override readonly name = 'DaemonError'
  readonly code: DaemonErrorCode
  readonly at: DaemonErrorContext
  readonly hint: string | undefined

  constructor(
    code: DaemonErrorCode,
    message: string,
    options: { at?: DaemonErrorContext; hint?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.code = code
    this.at = options.at ?? {}
    this.hint = options.hint
  }
}

export function isDaemonError(error: unknown, ...codes: DaemonErrorCode[]): error is DaemonError {
  return error instanceof DaemonError && (codes.length === 0 || codes.includes(error.code))
}
