import type { Pgno } from '../../ltx/index.ts'
import { ReplicaError } from './errors.ts'

/** The error for a file whose bytes are not what they should be. */
export function damaged(file: { readonly key: string }, cause: Error, at: { pgno?: Pgno; offset?: number } = {}) {
  return new ReplicaError('REPLICA_DAMAGED', `Cannot read ${file.key}: it is damaged (${cause.message})`, {
    at: { key: file.key, ...at },
    hint: 'Restore the file from a copy of the bucket, or take a new snapshot of the database.',
    cause,
  })
}
