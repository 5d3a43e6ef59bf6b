import { isStorageError, StorageError, type StorageErrorCode } from '../errors.ts'

const CAUSES: Readonly<Record<string, readonly [StorageErrorCode, string]>> = {
  EACCES: ['STORAGE_ACCESS_DENIED', 'permission denied; check who owns it and its mode'],
  EPERM: ['STORAGE_ACCESS_DENIED', 'not permitted; check who owns it and its mode'],
  EROFS: ['STORAGE_ACCESS_DENIED', 'the file system is read-only'],
  ENOSPC: ['STORAGE_NO_SPACE', 'no space left on the file system'],
  EDQUOT: ['STORAGE_NO_SPACE', 'the disk quota is used up'],
  EFBIG: ['STORAGE_TOO_LARGE', 'the file system does not take files of this size'],
  ENOTDIR: ['STORAGE_IO', 'part of its path is a file, not a folder'],
  EISDIR: ['STORAGE_IO', 'it is a folder, not a file'],
  ELOOP: ['STORAGE_IO', 'its path has too many symbolic links'],
  ENAMETOOLONG: ['STORAGE_IO', 'its path is too long for the file system'],
  EIO: ['STORAGE_IO', 'the disk reported an error'],
  ESTALE: ['STORAGE_IO', 'the network file system lost it'],
  EMFILE: ['STORAGE_IO', 'this process has too many open files; raise its limit (ulimit -n)'],
  ENFILE: ['STORAGE_IO', 'this machine has too many open files'],
}

/** True for a Node error with one of these codes. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException | undefined)?.code ?? '')
}

/**
 * What a failed file operation means.
 *
 * @param verb e.g. `read folder`
 * @returns the error to throw; what is no file system error (an abort, a StorageError, the caller's own) comes back as it is
 */
export function fileError(error: unknown, verb: string, path: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  if (isStorageError(error) || typeof code !== 'string' || !('syscall' in (error as object))) return error
  const [kind, why] = CAUSES[code] ?? ['STORAGE_IO', code]
  return new StorageError(kind, `Cannot ${verb} ${path}: ${why}`, {
    at: { key: path },
    cause: error,
    retryable: hasCode(error, 'EMFILE', 'ENFILE', 'EAGAIN', 'EBUSY', 'EINTR'),
  })
}
