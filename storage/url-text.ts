import { isOfClass, shown } from '../arguments/index.ts'
import { StorageError } from './errors.ts'

/** The text of a replica's URL. @throws StorageError STORAGE_BAD_URL for what is neither text nor a URL */
export function urlText(source: unknown): string {
  if (typeof source === 'string') return source
  if (isOfClass(source, 'URL')) return (source as URL).href
  throw new StorageError(
    'STORAGE_BAD_URL',
    `Cannot use a replica URL: it must be text or a URL, but is ${shown(source)}`,
  )
}
