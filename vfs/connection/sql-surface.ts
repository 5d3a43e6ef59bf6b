import { formatTXID } from '../../ltx/index.ts'
import type { DatabaseState, HydrationProgress, Lag } from '../../replica/index.ts'
import { VfsError } from '../engine/errors.ts'

/** Litestream's names in SQL, without their `litestream_`. Most are functions and pragmas, some only one of both. */
export const SURFACE_FUNCTIONS = ['txid', 'time', 'lag', 'set_time'] as const
export const SURFACE_PRAGMAS = ['txid', 'time', 'lag', 'hydration_progress', 'hydration_file', 'write_enabled'] as const
export type SurfaceFunction = (typeof SURFACE_FUNCTIONS)[number]
export type SurfacePragma = (typeof SURFACE_PRAGMAS)[number]

/** What a query can learn about where it runs, and ask for. */
export interface SurfaceContext {
  readonly state: DatabaseState
  /** The time that this database was set to, in milliseconds since the Unix epoch. */
  readonly targetTime: number | undefined
  lag(): Lag
  hydration(): HydrationProgress | undefined
  /**
   * Let the following queries see another time.
   * @throws VfsError VFS_TIME, VFS_FIXED
   */
  requestTime(text: string): void
}

/** @throws VfsError: its message becomes the SQL error's */
export function callFunction(
  name: SurfaceFunction,
  argument: string | undefined,
  context: SurfaceContext,
): string | number | null {
  switch (name) {
    case 'txid':
      return formatTXID(context.state.txid)
    case 'time':
      return currentTime(context)
    case 'lag':
      return lagSeconds(context)
    case 'set_time':
      context.requestTime(argument ?? '')
      return null
  }
}

/**
 * @param value what the pragma is set to; undefined to read it
 * @returns the one row's text; undefined for no row
 * @throws VfsError: its message becomes the SQL error's
 */
export function callPragma(
  name: SurfacePragma,
  value: string | undefined,
  context: SurfaceContext,
): string | undefined {
  if (name === 'write_enabled') return writeEnabled(value)
  if (value !== undefined) {
    if (name !== 'time') throw new VfsError('VFS_READONLY', `litestream_${name} cannot be set: it is read-only`)
    context.requestTime(value)
    return undefined
  }
  switch (name) {
    case 'txid':
      return formatTXID(context.state.txid)
    case 'time':
      return currentTime(context)
    case 'lag':
      return String(lagSeconds(context))
    case 'hydration_progress':
      return hydratedPercent(context)
    case 'hydration_file':
      return ''
  }
}

/** One decimal, as Litestream prints it. */
function hydratedPercent(context: SurfaceContext): string {
  const { done, total } = context.hydration() ?? { done: 0, total: 1 }
  return ((100 * done) / total).toFixed(1)
}

/** A replica is never written to: switching that off is fine, switching it on is not. */
function writeEnabled(value: string | undefined): string | undefined {
  if (value === undefined) return '0'
  if (['0', 'false', 'off'].includes(value.toLowerCase())) return undefined
  throw new VfsError('VFS_READONLY', 'litestream_write_enabled cannot be set: this replica is read-only')
}

/** RFC 3339, as Litestream prints it: fractions of a second without trailing zeros. */
function currentTime({ targetTime, state }: SurfaceContext): string {
  const time = targetTime ?? state.timestamp
  if (!(time > 0)) return 'latest'
  return new Date(time).toISOString().replace(/\.?0+Z$/, 'Z')
}

/** Whole seconds since the store was last asked, -1 for never. Not the age of the data. */
function lagSeconds(context: SurfaceContext): number {
  const { sinceCheckMs } = context.lag()
  return sinceCheckMs === undefined ? -1 : Math.floor(sinceCheckMs / 1000)
}
