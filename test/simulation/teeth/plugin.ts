import { join } from 'node:path'
import type { Plugin } from 'vite'
import { checkEdits, type Edit, edited } from './edits.ts'

/** Loads sources with edits; nothing is written. @throws when one does not fit */
export function editing(root: string, edits: readonly Edit[]): Plugin {
  checkEdits(root, edits)
  return {
    name: 'editing',
    enforce: 'pre',
    transform(code, id) {
      const fitting = edits.filter(({ file }) => id === join(root, file))
      return fitting.length === 0 ? undefined : edited(code, fitting)
    },
  }
}
