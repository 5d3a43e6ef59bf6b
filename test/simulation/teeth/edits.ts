import { readFileSync } from 'node:fs'
import { join } from 'node:path'

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

/** By file. @throws as `edited`, before anything is run */
export function checkEdits(root: string, edits: readonly Edit[]): void {
  for (const file of new Set(edits.map((edit) => edit.file))) {
    const fitting = edits.filter((edit) => edit.file === file)
    edited(readFileSync(join(root, file), 'utf8'), fitting)
  }
}
