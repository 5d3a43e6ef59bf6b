import { formatFilename } from '../ltx/index.ts'
import type { LtxFileName } from './types.ts'

/** Go's `path.Clean`: the shortest equivalent of a slash-separated path; `.` for nothing. */
export function cleanPath(path: string): string {
  const rooted = path.startsWith('/')
  const out: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') out.push(part)
    else if (out.length > 0 && out.at(-1) !== '..') out.pop()
    else if (!rooted) out.push(part)
  }
  const text = out.join('/')
  if (rooted) return `/${text}`
  return text === '' ? '.' : text
}

/** Go's `path.Join`: empty parts are skipped, the rest is joined and cleaned; empty for nothing. */
export function joinPath(...parts: readonly string[]): string {
  const kept = parts.filter((part) => part !== '')
  return kept.length === 0 ? '' : cleanPath(kept.join('/'))
}

/** Folder of a level for every backend but s3 and oss: `<path>/ltx/<n>` (facts 2.1). */
export function levelDir(path: string, level: number): string {
  return joinPath(path, 'ltx', String(level))
}

/** Key of a file for every backend but s3 and oss. */
export function fileKey(path: string, file: LtxFileName): string {
  return `${levelDir(path, file.level)}/${formatFilename(file.minTXID, file.maxTXID)}`
}

/**
 * Key prefix of a level on s3 and oss: `<path>/%04x/` (facts 2.1).
 * Concatenated raw, as Litestream does it: path `` gives `/0000/`, path `.` gives `./0000/`.
 */
export function s3LevelPrefix(path: string, level: number): string {
  return `${path}/${level.toString(16).padStart(4, '0')}/`
}

/** Key of a file on s3 and oss. */
export function s3Key(path: string, file: LtxFileName): string {
  return s3LevelPrefix(path, file.level) + formatFilename(file.minTXID, file.maxTXID)
}

/** Key of the lease object (facts 8.1): `<path>/lock.json`, or `lock.json` for an empty path. */
export function leaseKey(path: string): string {
  return path === '' ? 'lock.json' : `${path}/lock.json`
}

/**
 * What is below a replica's path, as key prefixes, for every backend but s3 and oss. Without a path that is not the whole
 * bucket: only the folders that replicas have.
 */
export function replicaPrefixes(path: string): readonly string[] {
  return path === '' ? ['ltx/', 'generations/', 'litetap/', leaseKey('')] : [`${path}/`]
}

/** A replica's path where keys are joined (facts 2.1): no path at all, `.`, is the same as an empty one. */
export function joinedPath(path: string): string {
  const clean = cleanPath(path)
  return clean === '.' ? '' : clean
}
