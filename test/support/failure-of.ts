import { expect } from 'vitest'
import type { StorageError } from '../../storage/index.ts'

/** The error that a call ends with. */
export async function failureOf(call: Promise<unknown>): Promise<StorageError> {
  return call.then(
    () => expect.fail('it succeeded'),
    (error) => error,
  )
}
