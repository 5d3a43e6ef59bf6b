/** An error as it is shown. */
export interface ShownError {
  readonly message: string
  /** Of litetap's own errors, e.g. VFS_SQL. */
  readonly code: string | undefined
  readonly hint: string | undefined
  /** Byte offset in the SQL that SQLite objects to. */
  readonly offset: number | undefined
}

export function showError(error: unknown): ShownError {
  const { message, code, hint, at } = error as {
    message?: unknown
    code?: unknown
    hint?: unknown
    at?: { offset?: unknown; sql?: unknown }
  }
  return {
    message: typeof message === 'string' ? message : String(error),
    code: typeof code === 'string' ? code : undefined,
    hint: typeof hint === 'string' ? hint : undefined,
    offset: typeof at?.offset === 'number' && at.sql !== undefined ? at.offset : undefined,
  }
}
