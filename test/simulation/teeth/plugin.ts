import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin } from 'vite'

/** A piece of source that is another one for the time of a run. */
export interface Edit {
  /** Below the project's root. */
  readonly file: string
  /** Exactly as it stands there, once. */
  readonly find: string
  readonly replace: string
}

/** Source with edits. @throws when one does not fit: the source has moved on, and so must the edit */
export function edited(source: string, edits: readonly Edit[]): string {
  let text = source
  for (const { file, find, replace } of edits) {
    if (text.split(find).length !== 2) throw new Error(`This does not stand once in ${file}: ${find}`)
    text = text.replace(find, () => replace)
  }
  return text
}

/** Loads sources with edits; nothing is written. */
export function editing(root: string, edits: readonly Edit[]): Plugin {
  for (const { file } of edits)
    edited(
      readFileSync(join(root, file), 'utf8'),
      edits.filter((edit) => edit.file === file),
    )
  return {
    name: 'editing',
    enforce: 'pre',
    transform(code, id) {
      const fitting = edits.filter(({ file }) => id === join(root, file))
      return fitting.length === 0 ? undefined : edited(code, fitting)
    },
  }
}
