// What a runtime tells of its run of the suite: plain JSON, as it has to cross a process or a page.

export const BRIDGES = ['jspi', 'asyncify'] as const
export type Bridge = (typeof BRIDGES)[number]

export interface CaseResult {
  readonly name: string
  /** Absent: passed. */
  readonly error?: string
}

export interface Report {
  /** What the runtime says that it is. */
  readonly runtime: string
  /** Whether it has JSPI by itself. */
  readonly jspi: boolean
  /** How often a bridge suspended SQLite, as seen from outside of the package. */
  readonly suspensions: Readonly<Record<Bridge, number>>
  readonly cases: readonly CaseResult[]
}

/** A value of a row as JSON has no room for it. */
export function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint') return { integer: String(value) }
  if (value instanceof Uint8Array)
    return { blob: Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('') }
  return value
}

/** Rows as text: equal rows give equal text, in every runtime. */
export function rowsText(rows: readonly object[]): string {
  return JSON.stringify(rows, (_, value) => plainValue(value))
}
