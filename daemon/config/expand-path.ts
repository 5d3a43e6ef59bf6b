import { join, resolve } from 'node:path'

/** Where relative paths and `~` lead. */
export interface PathBase {
  readonly cwd: string
  readonly home: string
}

/** A path as Litestream reads it: `sqlite://` and `~` are understood, the rest is made absolute (facts 8.6). */
export function expandPath(text: string, base: PathBase): string {
  const path = text.replace(/^sqlite3?:\/\//, '')
  if (path === '~') return base.home
  return path.startsWith('~/') ? join(base.home, path.slice(2)) : resolve(base.cwd, path)
}
