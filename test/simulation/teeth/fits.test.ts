import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkEdits } from './edits.ts'
import { TEETH } from './teeth.ts'

const ROOT = join(import.meta.dirname, '../../..')

test.each(TEETH)('the source is where it can be put back: $fault', ({ edits }) => {
  expect(() => checkEdits(ROOT, edits)).not.toThrow()
})
