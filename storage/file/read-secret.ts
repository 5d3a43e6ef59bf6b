import { readFile } from 'node:fs/promises'
import { StorageError } from '../errors.ts'

/**
 * A secret that is kept in a file, without the white space around it.
 * @param what for people: what it is needed for
 * @throws StorageError STORAGE_BAD_OPTION if it cannot be read or is empty
 */
export async function readSecret(path: string, what: string): Promise<string> {
  let text: string
  try {
    text = (await readFile(path, 'utf8')).trim()
  } catch (cause) {
    const message = `Cannot read the ${what} from ${path}: ${(cause as NodeJS.ErrnoException).code ?? 'unreadable'}`
    throw new StorageError('STORAGE_BAD_OPTION', message, { at: { key: path }, cause })
  }
  if (text === '') throw new StorageError('STORAGE_BAD_OPTION', `Cannot use the ${what}: ${path} is empty`)
  return text
}
