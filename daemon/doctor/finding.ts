/** What one check found. */
export interface Finding {
  /** What was checked, in a word or two: `clock`. */
  readonly check: string
  readonly status: 'ok' | 'warning' | 'failure'
  /** One sentence, without secrets. */
  readonly message: string
  /** What to do, or to know. */
  readonly hint?: string
}

export function ok(check: string, message: string, hint?: string): Finding {
  return finding(check, 'ok', message, hint)
}

export function warning(check: string, message: string, hint?: string): Finding {
  return finding(check, 'warning', message, hint)
}

export function failure(check: string, message: string, hint?: string): Finding {
  return finding(check, 'failure', message, hint)
}

/** Run a check; that it cannot be made is its finding. */
export async function attempt(
  check: string,
  run: () => Promise<Finding>,
  status: 'warning' | 'failure' = 'failure',
): Promise<Finding> {
  try {
    return await run()
  } catch (error) {
    const hint = error instanceof Error && 'hint' in error ? error.hint : undefined
    const message = error instanceof Error ? error.message : String(error)
    return finding(check, status, message, typeof hint === 'string' ? hint : undefined)
  }
}

function finding(check: string, status: Finding['status'], message: string, hint: string | undefined): Finding {
  return { check, status, message, ...(hint !== undefined && { hint }) }
}
