export type CliErrorCode =
  | 'CLI_USAGE' // arguments that make no sense
  | 'CLI_EXEC' // the command of -exec
  | 'CLI_FAILED' // another folder's error in this one's words; it is the cause
  | 'CLI_INTERRUPTED' // a signal ended the work before it was done

/** What goes wrong in the command line itself. `hint` is a command or a sentence that says what to do. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: CliErrorCode
  readonly hint: string | undefined
  /** What the process ends with. */
  readonly exitCode: number

  constructor(
    code: CliErrorCode,
    message: string,
    options: { hint?: string | undefined; exitCode?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
    this.exitCode = options.exitCode ?? 1
  }
}

/** What a person is told about a failure. */
export interface ErrorReport {
  readonly message: string
  readonly hint: string | undefined
  readonly exitCode: number
}

/**
 * Any error as one line that names the thing, and a hint where the error carries one.
 * Errors of the other folders are recognised by shape (`code`, `hint`), so that none has to be loaded for it.
 */
export function reportError(error: unknown): ErrorReport {
  const exitCode = error instanceof CliError ? error.exitCode : 1
  // All mistakes of a configuration file, a line each.
  if (hasCode(error, 'DAEMON_CONFIG')) return { message: (error as Error).message, hint: hintOf(error), exitCode }
  return { message: errorMessage(error), hint: hintOf(error), exitCode }
}

/** An error's message on one line; never empty. */
export function errorMessage(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(errorMessage).join('; ')
  const text = error instanceof Error ? error.message || error.name : String(error)
  return text.trim().replace(/\s*\n\s*/g, ': ')
}

/** The error's own hint, or the nearest one among its causes. */
export function hintOf(error: unknown): string | undefined {
  let current = error
  for (let depth = 0; depth < 8 && current instanceof Error; depth++) {
    if ('hint' in current && typeof current.hint === 'string' && current.hint !== '') return current.hint
    current = current.cause
  }
  return undefined
}

/** Where an error and its causes come from. Only stacks: an SDK's errors carry requests with them, and so credentials. */
export function errorStacks(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const stack = error.stack ?? error.message
  return error.cause === undefined ? stack : `${stack}\nCaused by: ${errorStacks(error.cause)}`
}

/** True when `error` carries one of these codes, whichever folder's class it is. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(error.code as string)
}

/** Complain about arguments. */
export function usageError(message: string, hint?: string): CliError {
  return new CliError('CLI_USAGE', message, { hint })
}
