import { globSync } from 'node:fs'
import { basename } from 'node:path'
import { ROOT } from './compatibility-rows.ts'

/** What is installed or built, and folders that begin with a dot, hold no text of the project. */
const NOT_OURS = /^(?:node_modules|dist|build|\..+)$/

/** The project's files whose names match a glob pattern, relative to its root, in order. */
export function projectFiles(pattern: string): string[] {
  return globSync(pattern, { cwd: ROOT, exclude: (path) => NOT_OURS.test(basename(path)) }).sort()
}
