import { type Stats, statSync } from 'node:fs'

/** What tells one file from another at the same path. A number of an inode alone does not: it is given away again. */
export interface FileIdentity {
  readonly dev: number
  readonly ino: number
  readonly birthtimeMs: number
}

/** A file as it was when it was looked at: it was not written to since, if nothing of this changed. */
export interface FileState extends FileIdentity {
  readonly size: number
  readonly mtimeMs: number
}

/** @returns undefined when there is no such file */
export function fileState(path: string): FileState | undefined {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats && stateOf(stats)
}

export function sameFile(a: FileIdentity | undefined, b: FileIdentity | undefined): boolean {
  return a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev && a.birthtimeMs === b.birthtimeMs
}

export function sameState(a: FileState | undefined, b: FileState | undefined): boolean {
  return sameFile(a, b) && a!.size === b!.size && a!.mtimeMs === b!.mtimeMs
}

function stateOf({ dev, ino, birthtimeMs, size, mtimeMs }: Stats): FileState {
  return { dev, ino, birthtimeMs, size, mtimeMs }
}
