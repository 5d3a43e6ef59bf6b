import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Instrumenter } from '@stryker-mutator/instrumenter'

/** A change of one place in one file. */
export interface Change {
  /** Absolute. */
  readonly fileName: string
  readonly mutatorName: string
  readonly replacement: string
  /** Lines and columns from 0, as Stryker counts them. */
  readonly location: { readonly start: Position; readonly end: Position }
}

interface Position {
  readonly line: number
  readonly column: number
}

/** Texts of messages and of SQL are left alone: tests hold errors by their codes. */
export const EXCLUDED_MUTATORS = ['StringLiteral']

const SILENT = {
  isTraceEnabled: () => false,
  isDebugEnabled: () => false,
  isInfoEnabled: () => false,
  isWarnEnabled: () => false,
  isErrorEnabled: () => false,
  isFatalEnabled: () => false,
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
  fatal() {},
}

/**
 * Find every change that Stryker would make.
 *
 * @param globs relative to the working directory; a leading `!` excludes
 * @returns in the order of files and places
 */
export async function findMutants(globs: readonly string[]): Promise<Change[]> {
  const exclude = globs.filter((glob) => glob.startsWith('!')).map((glob) => glob.slice(1))
  const names = globs.filter((glob) => !glob.startsWith('!')).flatMap((glob) => globSync(glob, { exclude }))
  const files = [...new Set(names)].sort().map((name) => {
    return { name: resolve(name), content: readFileSync(name, 'utf8'), mutate: true }
  })
  const options = { plugins: null, excludedMutations: EXCLUDED_MUTATORS, ignorers: [] }
  const { mutants } = await new Instrumenter(SILENT).instrument(files, options)
  return mutants.filter(({ status }) => status === undefined) // others are of an excluded kind
}

/** What tells one change from all others of a run. */
export function changeKey({ fileName, mutatorName, replacement, location: { start, end } }: Change): string {
  return JSON.stringify([fileName, mutatorName, replacement, start.line, start.column, end.line, end.column])
}
